{#- Grain: alert. -#}
select
    alert.alert_id,
    alert.kind,
    alert.severity,
    severity.label_zh as severity_label,
    alert.status as status_code,
    status.label_zh as status_label,
    status.label_en as status_label_en,
    alert.title,
    alert.detail,
    alert.what_to_do,
    alert.runbook,
    alert.owner,
    alert.dataset,
    alert.period,
    {{ period_start('alert.period') }} as period_start_date,
    {{ period_end('alert.period') }} as period_end_date,
    alert.region_code,
    region.region_name,
    alert.county_code,
    alert.indicator_codes,
    alert.magnitude,
    alert.opened_at,
    alert.last_seen_at,
    alert.closed_at
from {{ ref('qa_alert') }} as alert
left join {{ ref('dim_region') }} as region on alert.region_code = region.region_code
{{ join_label('severity', 'severity', 'alert.severity') }}
{{ join_label('status', 'alert_status', 'alert.status') }}
