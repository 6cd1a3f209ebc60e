{#- Grain: batch x rule: what the last audit of every batch said. A view: it moves with each delivery. -#}
{{ config(materialized='view', post_hook=[]) }}
with

judged as (
    select * from {{ ref('stg_quality__checks') }}
),

batch as (
    select batch_id, status, landed_at from {{ source('ops', 'batch') }}
)

select
    judged.batch_id::bigint as batch_id,
    judged.dataset::text as dataset,
    coalesce(dataset.title_zh, judged.dataset)::text as dataset_name,
    dataset.system::text as system,
    dataset.owner::text as owner,
    judged.period::text as period,
    batch.status::text as batch_status,
    judged.rule_id::text as rule_id,
    rule.sentence_zh::text as rule_zh,
    judged.level::text as level,
    judged.severity::text as severity,
    judged.dimension::text as dimension,
    dimension.gb_dimension::text as gb_dimension,
    judged.status::text as status,
    case when not coalesce(dataset.is_city_closed, false) then judged.checked_count end::bigint
        as checked_count,
    case when not coalesce(dataset.is_city_closed, false) then judged.failed_count end::bigint
        as failed_count,
    case
        when judged.level = 'row' and judged.status in ('passed', 'failed')
            and not coalesce(dataset.is_city_closed, false)
            then 100 * (1 - judged.failed_count::numeric / nullif(judged.checked_count, 0))
    end::numeric(9, 4) as pass_pct,
    batch.landed_at::timestamptz as landed_at,
    judged.checked_at::timestamptz as checked_at
from judged
inner join batch using (batch_id)
inner join {{ ref('quality_dimension') }} as dimension using (dimension)
left join {{ ref('int_quality__datasets') }} as dataset on judged.dataset = dataset.dataset
left join {{ ref('int_quality__rules') }} as rule
    on judged.dataset = rule.dataset and judged.rule_id = rule.rule_id
