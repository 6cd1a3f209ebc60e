{#- Grain: dataset x day on which a row entered or left the open quarantine, with what was open that
    evening. A view: it moves with each decision. -#}
{{ config(materialized='view', post_hook=[]) }}
with

daily as (
    select
        dataset,
        day,
        coalesce(sum(row_count) filter (where action = 'opened'), 0) as opened_rows,
        coalesce(sum(row_count) filter (where action = 'reopened'), 0) as reopened_rows,
        coalesce(sum(row_count) filter (where action = 'fixed'), 0) as fixed_rows,
        coalesce(sum(row_count) filter (where action = 'released'), 0) as released_rows,
        coalesce(sum(row_count) filter (where action = 'waived'), 0) as waived_rows,
        coalesce(sum(row_count) filter (where action = 'rejected'), 0) as rejected_rows
    from {{ ref('stg_quality__closings') }}
    group by 1, 2
),

moved as (
    select
        *,
        opened_rows + reopened_rows - fixed_rows - released_rows - waived_rows - rejected_rows
            as change
    from daily
)

select
    moved.dataset::text as dataset,
    coalesce(dataset.title_zh, moved.dataset)::text as dataset_name,
    dataset.system::text as system,
    moved.day::date as day,
    moved.opened_rows::bigint as opened_rows,
    moved.reopened_rows::bigint as reopened_rows,
    moved.fixed_rows::bigint as fixed_rows,
    moved.released_rows::bigint as released_rows,
    moved.waived_rows::bigint as waived_rows,
    moved.rejected_rows::bigint as rejected_rows,
    sum(moved.change) over (partition by moved.dataset order by moved.day)::bigint as open_rows
from moved
left join {{ ref('int_quality__datasets') }} as dataset using (dataset)
