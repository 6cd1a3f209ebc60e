{#- Grain: batch x rule. -#}
select
    verdict.batch_id,
    verdict.dataset,
    verdict.dataset_name,
    verdict.system,
    verdict.owner,
    verdict.period,
    {{ period_start('verdict.period') }} as period_start_date,
    {{ period_end('verdict.period') }} as period_end_date,
    verdict.batch_status,
    batch.label_zh as batch_status_label,
    verdict.rule_id,
    verdict.rule_zh,
    verdict.level as rule_level,
    verdict.severity,
    severity.label_zh as severity_label,
    verdict.dimension,
    verdict.gb_dimension,
    verdict.status as status_code,
    status.label_zh as status_label,
    status.label_en as status_label_en,
    verdict.checked_count,
    verdict.failed_count,
    verdict.pass_pct,
    verdict.landed_at,
    verdict.checked_at
from {{ ref('qa_check_result') }} as verdict
{{ join_label('batch', 'batch_status', 'verdict.batch_status') }}
{{ join_label('severity', 'severity', 'verdict.severity') }}
{{ join_label('status', 'check_status', 'verdict.status') }}
