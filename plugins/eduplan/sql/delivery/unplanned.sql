-- Events nobody was planned to be told of, and those that wait for a channel that is gone.
select
    e.event_id,
    e.event,
    e.severity,
    a.kind,
    a.dedupe_key,
    a.owner,
    a.dataset,
    a.region_code,
    a.indicator_codes
from quality.alert_event e
join quality.alert a using (alert_id)
where not exists (select from quality.alert_delivery d where d.event_id = e.event_id)
    or exists (
        select from quality.alert_delivery d
        where d.event_id = e.event_id
            and d.status = 'pending'
            and d.channel <> all(%(channels)s)
    )
order by e.event_id
