-- Tasks of the newest report by lead department.
select
    owner_name,
    count(*)::int as tasks,
    count(*) filter (where is_due)::int as due,
    count(*) filter (where status = 'done_on_time')::int as on_time,
    count(*) filter (where status = 'overdue')::int as overdue,
    max(as_of_date) as as_of_date
from marts.fct_task
where is_latest
group by owner_name
order by overdue desc, tasks desc, owner_name
