-- The last alert of every key of some kinds, with what was told of it last.
select distinct on (a.dedupe_key)
    a.*,
    told.severity as told_severity,
    told.magnitude as told_magnitude
from quality.alert a
cross join lateral (
    select e.severity, e.magnitude
    from quality.alert_event e
    where e.alert_id = a.alert_id and e.event in ('opened', 'worsened', 'woken')
    order by e.event_id desc
    limit 1
) told
where a.kind = any(%(kinds)s)
order by a.dedupe_key, a.alert_id desc
