{#- Grain: indicator x period x published batch that its value rests on. -#}
with

live as (
    select distinct indicator_code, period_year from {{ ref('int_indicator__values') }}
),

batch as (
    select
        batch_id,
        dataset,
        case when period ~ '^\d{4}' then {{ period_year('period') }} end as batch_year
    from {{ source('ops', 'batch') }}
    where status = 'published'
)

select distinct
    live.indicator_code,
    live.period_year,
    batch.batch_id
from live
inner join {{ ref('int_indicator__inputs') }} as input using (indicator_code)
inner join batch
    on input.dataset = batch.dataset
    -- A list without periods speaks for all of them.
    and coalesce(batch.batch_year = live.period_year - input.years_back, true)
