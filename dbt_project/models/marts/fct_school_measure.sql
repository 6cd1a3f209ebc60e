{#- Grain: reporter x period x stage x measure x sex: what was reported, small cells suppressed. -#}
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
    value,
    false as is_suppressed,
    batch_id
from {{ ref('int_school__measures') }}
