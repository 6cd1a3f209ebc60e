{#- Grain: indicator x region x breakdown x period: the city and its counties. -#}
select
    indicator.action_code,
    indicator.action_name_zh,
    indicator.indicator_code,
    indicator.indicator_name_zh,
    indicator.indicator_name_en,
    indicator.parent_code,
    indicator.sort_order,
    indicator.unit,
    indicator.unit_label,
    indicator.decimals,
    indicator.direction,
    indicator.direction_label,
    value.region_level,
    value.region_code,
    value.region_name,
    value.county_code,
    value.breakdown,
    breakdown.label_zh as breakdown_label,
    value.breakdown_value,
    part.label_zh as breakdown_value_label,
    value.period,
    value.period_year,
    {{ period_start('value.period') }} as period_start_date,
    {{ period_end('value.period') }} as period_end_date,
    value.period_year = indicator.latest_period_year as is_latest,
    value.value,
    value.numerator,
    value.denominator,
    value.expected_units,
    value.reporting_units,
    value.coverage_pct,
    value.is_suppressed
from {{ ref('ind_value') }} as value
inner join {{ ref('dim_indicator') }} as indicator using (indicator_code)
{{ join_label('breakdown', 'breakdown', 'value.breakdown') }}
{{ join_label('part', 'breakdown_value', 'value.breakdown_value') }}
where value.region_level <> 'school'
