insert into quality.alert_channel (channel, failures, failing_since, error)
values (%(channel)s, 1, %(now)s, %(error)s)
on conflict (channel) do update
set failures = alert_channel.failures + 1,
    failing_since = coalesce(alert_channel.failing_since, excluded.failing_since),
    error = excluded.error
returning failures
