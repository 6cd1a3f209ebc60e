{#-
  Tasks by the region of their owner, platforms of the city, new school places. A region without
  any stands with 0 in every year that was reported.
-#}
with

region as (
    select * from {{ ref('region') }}
    where region_level <> 'city'
),

task as (
    select
        region.region_code,
        year.fiscal_year,
        count(task.task_code) filter (where task.is_due) as tasks_due,
        count(task.task_code) filter (where task.is_due and task.status = 'done_on_time')
            as tasks_done_on_time,
        count(task.task_code) filter (where task.status = 'overdue') as tasks_overdue,
        max(year.batch_id) as batch_id
    from region
    cross join (
        select fiscal_year, max(batch_id) as batch_id from {{ ref('int_task__years') }} group by 1
    ) as year
    left join {{ ref('int_task__years') }} as task
        on region.region_code = task.region_code and year.fiscal_year = task.fiscal_year
    group by 1, 2
),

platform as (
    select * from {{ ref('stg_tasks__platforms') }}
),

-- The ledger speaks for the years from the first project to the day it was filled in.
platform_year as (
    select generate_series(
        extract(year from min(start_date))::int, extract(year from max(as_of_date))::int
    ) as fiscal_year
    from platform
),

live as (
    select
        region.region_code,
        platform_year.fiscal_year,
        count(platform.platform_name) filter (
            where region.region_level = 'city_run'
            and greatest(platform.acceptance_date, platform.live_date)
            <= make_date(platform_year.fiscal_year, 12, 31)
            -- greatest() passes over nulls: both dates must stand.
            and platform.acceptance_date is not null
            and platform.live_date is not null
        ) as platforms_live,
        max(platform.batch_id) as batch_id
    from region
    cross join platform_year
    cross join platform
    group by 1, 2
),

project as (
    select * from {{ ref('stg_tasks__new_places') }}
),

places as (
    select
        region.region_code,
        year.fiscal_year,
        coalesce(sum(project.new_place_count), 0) as new_places,
        max(year.batch_id) as batch_id
    from region
    cross join (select fiscal_year, max(batch_id) as batch_id from project group by 1) as year
    left join project
        on project.county_name in (region.region_name, region.finance_name)
        and year.fiscal_year = project.fiscal_year
        and project.is_in_use
        and extract(year from project.completed_date) = project.fiscal_year
    group by 1, 2
),

final as (
    select task.region_code, task.fiscal_year, measure.*, task.batch_id
    from task
    cross join lateral (values
        ('tasks_due', tasks_due),
        ('tasks_done_on_time', tasks_done_on_time),
        ('tasks_overdue', tasks_overdue)
    ) as measure (measure_code, value)
    union all
    select region_code, fiscal_year, 'platforms_live' as measure_code, platforms_live, batch_id
    from live
    union all
    select region_code, fiscal_year, 'new_places' as measure_code, new_places, batch_id from places
)

select
    region_code as reporter_code,
    'county' as reporter_level,
    fiscal_year as period_year,
    'all' as stage,
    measure_code,
    value::numeric as value,
    'tasks' as family,
    batch_id
from final
