{#- Grain: amendment x indicator x region x period. -#}
select
    comparison.amended_version,
    amended.plan_name_zh as amended_name_zh,
    comparison.original_version,
    original.plan_name_zh as original_name_zh,
    comparison.adopted_on,
    amended.is_demonstration,
    indicator.indicator_code,
    indicator.indicator_name_zh,
    indicator.indicator_name_en,
    comparison.sort_order,
    indicator.unit,
    indicator.unit_label,
    comparison.region_level,
    comparison.region_code,
    comparison.region_name,
    comparison.county_code,
    comparison.period,
    comparison.period_year,
    {{ period_start('comparison.period') }} as period_start_date,
    {{ period_end('comparison.period') }} as period_end_date,
    coalesce(comparison.period_year = indicator.latest_period_year, true) as is_latest,
    comparison.value,
    comparison.is_in_force,
    comparison.is_amended,
    comparison.original_target_2027,
    comparison.amended_target_2027,
    comparison.original_trajectory_value,
    comparison.amended_trajectory_value,
    comparison.original_distance,
    comparison.amended_distance,
    comparison.original_status as original_status_code,
    comparison.original_status_label_zh as original_status_label,
    before.label_en as original_status_label_en,
    comparison.amended_status as amended_status_code,
    comparison.amended_status_label_zh as amended_status_label,
    now.label_en as amended_status_label_en,
    comparison.is_status_changed
from {{ ref('ind_plan_comparison') }} as comparison
inner join {{ ref('dim_indicator') }} as indicator using (indicator_code)
inner join {{ ref('dim_plan_version') }} as amended
    on comparison.amended_version = amended.plan_version
inner join {{ ref('dim_plan_version') }} as original
    on comparison.original_version = original.plan_version
{{ join_label('before', 'status', 'comparison.original_status') }}
{{ join_label('now', 'status', 'comparison.amended_status') }}
