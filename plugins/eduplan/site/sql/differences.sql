-- What two sources say differently of a county or a school in it, the newest period.
select r.county_code, r.code, r.name_zh, r.severity, r.level, r.unit_code, r.unit_name, r.period,
    r.left_value, r.right_value, r.difference, r.status
from marts.qa_reconciliation as r
inner join (
    select code, max(period_year) as period_year from marts.qa_reconciliation group by code
) as newest using (code, period_year)
where r.status = 'breach' and not r.is_suppressed and r.county_code is not null
order by
    r.county_code,
    array_position(array['critical', 'warning', 'info'], r.severity),
    r.code,
    abs(r.difference) desc nulls last,
    r.unit_code
