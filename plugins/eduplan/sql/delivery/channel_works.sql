with worked as (
    insert into quality.alert_channel (channel, last_sent_at)
    values (%(channel)s, %(now)s)
    on conflict (channel) do update
    set failures = 0, failing_since = null, retry_at = null, error = null,
        last_sent_at = excluded.last_sent_at
)
delete from quality.alert_signal where dedupe_key = 'dead_channel:' || %(channel)s
