-- What may be sent on one channel, with the magnitude that channel was told last.
select
    d.delivery_id,
    d.route,
    d.digest_of,
    d.attempts,
    e.alert_id,
    e.event,
    e.severity,
    e.magnitude,
    a.kind,
    a.title,
    a.detail,
    a.what_to_do,
    a.runbook,
    a.owner,
    a.dataset,
    a.period,
    a.indicator_codes,
    (
        select te.magnitude
        from quality.alert_delivery td
        join quality.alert_event te using (event_id)
        where te.alert_id = e.alert_id and td.channel = d.channel and td.status = 'sent'
        order by te.event_id desc
        limit 1
    ) as told_magnitude
from quality.alert_delivery d
join quality.alert_event e using (event_id)
join quality.alert a using (alert_id)
where d.channel = %(channel)s
    and d.status = 'pending'
    and d.due_at <= %(now)s
    and not exists (
        select from quality.alert_channel c
        where c.channel = d.channel and c.retry_at > %(now)s
    )
order by e.event_id
