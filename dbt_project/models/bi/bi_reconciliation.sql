{#- Grain: reconciliation x unit x period. -#}
select
    pair.code,
    pair.name_zh,
    pair.severity,
    severity.label_zh as severity_label,
    pair.level as unit_level,
    level.label_zh as unit_level_label,
    pair.unit_code,
    pair.unit_name,
    pair.county_code,
    county.region_name as county_name,
    pair.period,
    pair.period_year,
    {{ period_start('pair.period') }} as period_start_date,
    {{ period_end('pair.period') }} as period_end_date,
    pair.left_value,
    pair.right_value,
    pair.difference,
    pair.difference_pct,
    pair.comparison,
    pair.tolerance_pct,
    pair.tolerance_abs,
    pair.status as status_code,
    status.label_zh as status_label,
    status.label_en as status_label_en,
    pair.is_suppressed,
    pair.meaning_zh,
    pair.action_zh
from {{ ref('qa_reconciliation') }} as pair
left join {{ ref('dim_region') }} as county on pair.county_code = county.region_code
{{ join_label('severity', 'severity', 'pair.severity') }}
{{ join_label('level', 'region_level', 'pair.level') }}
{{ join_label('status', 'reconciliation_status', 'pair.status') }}
