-- Tasks of the newest report (of the year asked for), those of a county by its own offices.
select
    task_code, task_name, action_name_zh, owner_name, co_owner_names, deadline_text, progress_pct,
    acceptance_date, status_code, status_label, as_of_date
from bi.task
where case when %(year)s::int is null then is_latest else period_year = %(year)s end
    and (%(region)s = %(city)s or owner_region_code = %(region)s)
order by action_code collate "C", task_code collate "C"
