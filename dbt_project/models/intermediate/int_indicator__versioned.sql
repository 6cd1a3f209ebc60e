{{ config(materialized='view', post_hook=[]) }}
{#- What the snapshot keeps: published values of city and counties with the batches behind them. -#}
with

batches as (
    select indicator_code, period_year, array_agg(batch_id order by batch_id) as batch_ids
    from {{ ref('int_indicator__batches') }}
    group by 1, 2
)

select
    value.indicator_code || '|' || value.region_code || '|' || value.breakdown || '|'
    || value.breakdown_value || '|' || value.period as value_key,
    value.indicator_code,
    value.region_level,
    value.region_code,
    value.breakdown,
    value.breakdown_value,
    value.period,
    value.period_year,
    value.value,
    value.numerator,
    value.denominator,
    value.is_suppressed,
    batches.batch_ids
from {{ ref('ind_value') }} as value
left join batches using (indicator_code, period_year)
where value.region_level in ('city', 'county')
