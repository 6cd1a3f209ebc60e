-- The alert that has been open longest, and how many are open with it.
select
    kind,
    title,
    dataset,
    period,
    region_code,
    indicator_codes,
    opened_at,
    count(*) over () as open_count,
    count(*) filter (where severity = 'critical') over () as critical_count
from quality.alert
where status in ('open', 'acknowledged', 'snoozed')
order by opened_at, alert_id
limit 1
