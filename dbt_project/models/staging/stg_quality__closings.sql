-- Openings and closings of quarantined rows: when, and as what. A row that was never open (released
-- at once) opens and closes at the same time. Reasons, names and values stay behind.
with

row_found as (
    select quarantine_id, dataset, status, opened_at from {{ source('quality', 'quarantined_row') }}
),

event as (
    select quarantine_id, from_status, to_status, happened_at
    from {{ source('quality', 'quarantine_event') }}
    where (from_status = 'open') <> (to_status = 'open')
),

moved as (
    select dataset, opened_at as happened_at, 'opened' as action
    from row_found
    union all
    select
        row_found.dataset,
        event.happened_at,
        case when event.to_status = 'open' then 'reopened' else event.to_status end as action
    from event
    inner join row_found using (quarantine_id)
    union all
    select dataset, opened_at as happened_at, status as action
    from row_found
    where status <> 'open' and not exists (
        select 1 from event where event.quarantine_id = row_found.quarantine_id
    )
)

select
    dataset,
    ({{ day_of('happened_at') }}) as day,
    action,
    count(*) as row_count
from moved
group by 1, 2, 3
