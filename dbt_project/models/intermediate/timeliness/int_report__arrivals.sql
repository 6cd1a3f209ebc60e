{#- Grain: file of a delivery that landed, or a reading without news: the day it came. A file came when
    its sender last saved it, but never after it landed; what has no such time came when it was
    landed. What was refused or rejected did not come. -#}
{{ config(materialized='ephemeral') }}
with

landed as (
    select
        batch.dataset,
        batch.period,
        batch.batch_id,
        file.file_no,
        least(
            (file.modified_at at time zone 'Asia/Shanghai')::date,
            {{ day_of('coalesce(delivery.landed_at, batch.landed_at)') }}
        ) as came_on
    from {{ source('ops', 'batch') }} as batch
    inner join {{ source('ops', 'batch_file') }} as file using (batch_id)
    -- What is judged again came with its delivery.
    left join {{ source('ops', 'batch') }} as delivery on batch.replay_of = delivery.batch_id
    where batch.status not in ('failed', 'rejected') and file.status = 'landed'
),

-- A platform that was read and had nothing new is not silent.
unchanged as (
    select
        dataset,
        'all' as period,
        null::bigint as batch_id,
        null::integer as file_no,
        {{ day_of('started_at') }} as came_on
    from {{ source('ops', 'pull') }}
    where status = 'unchanged'
)

select * from landed
union all
select * from unchanged
