{#- Grain: plan version x indicator x region. -#}
select
    projection.plan_version,
    plan.plan_name_zh,
    plan.is_demonstration,
    indicator.indicator_code,
    indicator.indicator_name_zh,
    indicator.indicator_name_en,
    indicator.sort_order,
    indicator.unit,
    indicator.unit_label,
    indicator.direction,
    indicator.direction_label,
    projection.region_level,
    projection.region_code,
    projection.region_name,
    projection.county_code,
    projection.final_year,
    projection.point_count,
    projection.first_year,
    projection.last_year,
    projection.yearly_change,
    projection.projected_value,
    projection.interval_low,
    projection.interval_high,
    projection.is_clipped,
    projection.target_2027,
    projection.band_low,
    projection.band_high,
    projection.target_position,
    projection.outlook,
    outlook.label_zh as outlook_label,
    projection.no_projection_reason
from {{ ref('ind_projection') }} as projection
inner join {{ ref('dim_indicator') }} as indicator using (indicator_code)
inner join {{ ref('dim_plan_version') }} as plan using (plan_version)
{{ join_label('outlook', 'outlook', 'projection.outlook') }}
