-- Tasks of the newest report, by who leads them.
select task_code, task_name, group_name, owner_name, owner_region_code, deadline_text, due_date,
    is_due, progress_pct, status
from marts.fct_task
where is_latest
order by owner_region_code, status <> 'overdue', due_date nulls last, task_code
