{#- Grain: dataset x period x unit that must send it. -#}
select
    register.dataset,
    register.dataset_name,
    register.system,
    register.owner,
    register.period,
    {{ period_start('register.period') }} as period_start_date,
    {{ period_end('register.period') }} as period_end_date,
    register.unit_level,
    level.label_zh as unit_level_label,
    register.unit_code,
    register.unit_name,
    register.county_code,
    register.county_name,
    register.opens_on,
    register.due_on,
    register.received_on,
    register.refused_on,
    register.status as status_code,
    status.label_zh as status_label,
    status.label_en as status_label_en,
    status.sort_order as status_sort_order,
    register.days_late,
    register.as_of
from {{ ref('qa_late_register') }} as register
{{ join_label('level', 'unit_level', 'register.unit_level') }}
{{ join_label('status', 'report_status', 'register.status') }}
