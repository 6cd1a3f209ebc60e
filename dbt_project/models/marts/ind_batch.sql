{#- Grain: indicator x period x batch: the deliveries a value rests on, and what is held back of each. -#}
with

held as (
    select batch_id, sum(row_count) as row_count from {{ ref('stg_quality__quarantined') }}
    group by 1
),

batch as (
    select * from {{ source('ops', 'batch') }}
),

-- The length of a short list less a published count would tell the hidden one.
closed as (
    select distinct input.batch_id
    from {{ ref('int_indicator__batches') }} as input
    inner join {{ ref('int_suppression__indicators') }} as suppression
        using (indicator_code, period_year)
    where not suppression.is_city_open
),

registry as (
    select indicator_code, period_kind from {{ ref('indicator') }}
)

select
    input.indicator_code::text as indicator_code,
    case registry.period_kind
        when 'fiscal_year' then input.period_year::text
        else {{ school_year('input.period_year') }}
    end::text as period,
    input.period_year::int as period_year,
    batch.batch_id::bigint as batch_id,
    batch.dataset::text as dataset,
    batch.period::text as batch_period,
    batch.published_at::timestamptz as published_at,
    batch.file_count::int as file_count,
    case when closed.batch_id is null then batch.accepted_count end::bigint as accepted_count,
    coalesce(held.row_count, 0)::bigint as quarantined_count
from {{ ref('int_indicator__batches') }} as input
inner join batch using (batch_id)
inner join registry using (indicator_code)
left join held using (batch_id)
left join closed using (batch_id)
