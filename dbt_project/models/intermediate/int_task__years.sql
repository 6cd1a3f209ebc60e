{#-
  Grain: task x fiscal year with reports: how the task stood on the last day of the newest quarter
  reported in that year. Only an acceptance date finishes a task (到期且已验收): 100 % without one is
  still in progress, or overdue. A yearly task starts anew each year.
-#}
with

task as (
    select * from {{ ref('stg_tasks__tasks') }}
),

report as (
    select * from {{ ref('stg_tasks__progress') }}
),

alias as (
    select * from {{ ref('organisation_alias') }}
),

city_run as (
    select region_code from {{ ref('region') }}
    where region_level = 'city_run'
),

calendar as (
    select
        fiscal_year,
        max(quarter_number) as quarter_number,
        (make_date(fiscal_year, 3 * max(quarter_number), 1) + interval '1 month - 1 day')::date
            as as_of_date,
        max(batch_id) as batch_id
    from report
    group by 1
),

organisation as (
    select
        task.task_code,
        coalesce(alias.organisation_name_zh, named.alias) as organisation_name,
        alias.region_code,
        named.position
    from task
    cross join unnest(task.organisations) with ordinality as named (alias, position)
    left join alias on named.alias = alias.alias
),

responsible as (
    select
        organisation.task_code,
        max(organisation.organisation_name) filter (where organisation.position = 1) as owner_name,
        coalesce(
            max(organisation.region_code) filter (where organisation.position = 1),
            max(city_run.region_code)
        ) as region_code,
        string_agg(organisation.organisation_name, '、' order by organisation.position)
            filter (where organisation.position > 1 and organisation.organisation_name <> '')
            as co_owner_names
    from organisation
    cross join city_run
    group by 1
),

reported as (
    select
        task.task_code,
        calendar.fiscal_year,
        max(report.fiscal_year * 10 + report.quarter_number) as latest,
        (array_agg(report.acceptance_date order by report.fiscal_year desc, report.quarter_number desc)
            filter (where report.acceptance_date is not null
                -- An acceptance carried along from the year before is not this year's.
                and (
                    task.deadline_rule is distinct from 'yearly'
                    or extract(year from report.acceptance_date) = calendar.fiscal_year
                )
            ))[1] as acceptance_date
    from task
    cross join calendar
    inner join report
        on task.task_code = report.task_code
        and (
            report.fiscal_year = calendar.fiscal_year
            or (report.fiscal_year < calendar.fiscal_year and task.deadline_rule is distinct from 'yearly')
        )
    group by 1, 2
),

judged as (
    select
        task.task_code,
        calendar.fiscal_year,
        calendar.as_of_date,
        task.group_code,
        task.task_name,
        responsible.owner_name,
        responsible.region_code,
        responsible.co_owner_names,
        task.deadline_text,
        coalesce(task.deadline_rule, 'unreadable') as deadline_rule,
        edu.deadline_date(task.deadline_text, calendar.fiscal_year) as due_date,
        newest.fiscal_year || 'Q' || newest.quarter_number as latest_quarter,
        newest.progress_pct,
        newest.progress_state,
        case when reported.acceptance_date <= calendar.as_of_date then reported.acceptance_date end
            as acceptance_date,
        calendar.fiscal_year = max(calendar.fiscal_year) over () as is_latest,
        greatest(task.batch_id, calendar.batch_id) as batch_id
    from task
    cross join calendar
    inner join responsible on task.task_code = responsible.task_code
    left join reported
        on task.task_code = reported.task_code and calendar.fiscal_year = reported.fiscal_year
    left join report as newest
        on reported.task_code = newest.task_code
        and reported.latest = newest.fiscal_year * 10 + newest.quarter_number
),

final as (
    select
        *,
        coalesce(due_date <= as_of_date, false) as is_due,
        case
            when deadline_rule = 'ongoing' then 'ongoing'
            when acceptance_date <= due_date then 'done_on_time'
            when acceptance_date > due_date then 'done_late'
            when acceptance_date is not null then 'done_no_deadline'
            when due_date <= as_of_date then 'overdue'
            when latest_quarter is null then 'no_report'
            when progress_state = 'not_started' then 'not_started'
            else 'in_progress'
        end as status
    from judged
)

select * from final
