-- Grain: task x fiscal year: the tasks of the 重点任务分解表 and how they stood.
with

task as (
    select * from {{ ref('int_task__years') }}
),

measure_group as (
    select * from {{ ref('measure_group') }}
),

region as (
    select * from {{ ref('region') }}
),

city as (
    select region_code from region
    where region_level = 'city'
)

select
    task.task_code::text as task_code,
    task.fiscal_year::int as fiscal_year,
    task.as_of_date::date as as_of_date,
    task.is_latest::boolean as is_latest,
    measure_group.action_code::text as action_code,
    task.group_code::text as group_code,
    measure_group.group_name_zh::text as group_name,
    task.task_name::text as task_name,
    task.owner_name::text as owner_name,
    task.region_code::text as owner_region_code,
    -- What an organisation of the city leads is the whole city's business.
    case region.region_level when 'city_run' then city.region_code else task.region_code end::text
        as county_code,
    task.co_owner_names::text as co_owner_names,
    task.deadline_text::text as deadline_text,
    task.deadline_rule::text as deadline_rule,
    task.due_date::date as due_date,
    task.is_due::boolean as is_due,
    task.latest_quarter::text as latest_quarter,
    task.progress_pct::numeric(6, 2) as progress_pct,
    task.acceptance_date::date as acceptance_date,
    task.status::text as status,
    task.batch_id::bigint as batch_id
from task
cross join city
left join measure_group using (group_code)
left join region on task.region_code = region.region_code
