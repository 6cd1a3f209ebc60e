{#- Grain: dataset x rule x region. -#}
select
    rate.dataset,
    rate.dataset_name,
    rate.system,
    rate.owner,
    rate.rule_id,
    rate.rule_zh,
    rate.severity,
    severity.label_zh as severity_label,
    rate.dimension,
    rate.gb_dimension,
    rate.region_level,
    rate.region_code,
    rate.region_name,
    rate.county_code,
    rate.checked_count,
    rate.failed_count,
    rate.pass_pct
from {{ ref('qa_pass_rate') }} as rate
{{ join_label('severity', 'severity', 'rate.severity') }}
