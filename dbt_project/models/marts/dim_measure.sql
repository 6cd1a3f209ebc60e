{#- Grain: measure: what schools and counties report, with its newest period. -#}
with

newest as (
    select
        measure_code,
        coalesce(max(period_year) filter (where value is not null), max(period_year)) as period_year
    from {{ ref('fct_school_measure') }}
    group by 1
)

select
    measure.measure_code::text as measure_code,
    measure.measure_name_zh::text as measure_name_zh,
    measure.unit::text as unit,
    measure.datasets::text as datasets,
    measure.period_kind::text as period_kind,
    measure.description_zh::text as description_zh,
    newest.period_year::int as latest_period_year
from {{ ref('measure') }} as measure
left join newest using (measure_code)
