{#- Grain: reporter x period x stage x measure x sex: what was reported, small cells suppressed. -#}
with

fact as (
    select fact.*, not coalesce(level.is_unit_open, true) as is_suppressed
    from {{ ref('int_school__measures') }} as fact
    left join {{ ref('int_suppression__groups') }} as suppression using (measure_code)
    left join {{ ref('int_suppression__levels') }} as level using (group_code, period_year)
)

select
    reporter_code,
    reporter_level,
    county_code,
    location_county_code,
    period_kind,
    period,
    period_year,
    stage,
    measure_code,
    sex,
    case when not is_suppressed then value end as value,
    is_suppressed,
    batch_id
from fact
