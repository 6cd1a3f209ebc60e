-- What is due and has not come or came late, by dataset and period; the worst first. No parameters.
select
    dataset_name,
    period,
    owner,
    min(due_on) as due_on,
    count(*) filter (where status <> 'not_due')::bigint as expected,
    count(*) filter (where status = 'late')::bigint as late,
    count(*) filter (where status = 'missing')::bigint as missing,
    max(days_late)::bigint as days_late
from marts.qa_late_register
group by dataset, dataset_name, period, owner
having count(*) filter (where status in ('late', 'missing')) > 0
order by missing desc, late desc, dataset_name, period
