{#- Grain: indicator x region x breakdown x period: every indicator, small cells suppressed. -#}
select
    indicator_code,
    region_level,
    region_code,
    region_name,
    breakdown,
    breakdown_value,
    period,
    period_year,
    value,
    numerator,
    denominator,
    expected_units,
    reporting_units,
    coverage_pct,
    false as is_suppressed
from {{ ref('int_indicator__values') }}
