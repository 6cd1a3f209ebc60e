-- What is not there, or came late, in the newest period of a dataset that is due.
with newest as (
    select dataset, max(due_on) as due_on
    from marts.qa_late_register
    where due_on <= as_of
    group by dataset
)

select r.county_code, r.dataset, r.period, r.unit_level, r.unit_code, r.unit_name, r.due_on,
    r.received_on, r.refused_on, r.status, r.days_late
from marts.qa_late_register as r
inner join newest using (dataset, due_on)
where r.status in ('missing', 'late')
order by r.county_code, r.status <> 'missing', r.days_late desc, r.dataset, r.unit_code
