{#- Grain: task x fiscal year. -#}
with

action as (
    select distinct action_code, action_name_zh from {{ ref('dim_indicator') }}
)

select
    task.task_code,
    task.task_name,
    task.action_code,
    action.action_name_zh,
    task.group_code,
    task.group_name,
    task.owner_name,
    task.owner_region_code,
    owner.region_name as owner_region_name,
    task.county_code,
    task.co_owner_names,
    task.fiscal_year::text as period,
    task.fiscal_year as period_year,
    make_date(task.fiscal_year, 1, 1) as period_start_date,
    make_date(task.fiscal_year, 12, 31) as period_end_date,
    task.as_of_date,
    task.is_latest,
    task.deadline_text,
    task.deadline_rule,
    task.due_date,
    task.is_due,
    task.latest_quarter,
    task.progress_pct,
    task.acceptance_date,
    task.status as status_code,
    status.label_zh as status_label,
    status.label_en as status_label_en,
    status.sort_order as status_sort_order
from {{ ref('fct_task') }} as task
left join action using (action_code)
left join {{ ref('dim_region') }} as owner on task.owner_region_code = owner.region_code
{{ join_label('status', 'task_status', 'task.status') }}
