-- Who is due and has not sent, by dataset and period; counted to the day of the reader. Platforms
-- and databases are read, not sent: their silence is warehouse_stale.
select
    r.dataset || ':' || r.period as key,
    r.dataset,
    r.period,
    max(r.owner) as owner,
    case when max(r.days_late) > 30 then 'critical' else 'warning' end as severity,
    count(*) as magnitude,
    max(r.days_late) as days,
    to_char(min(r.due_on), 'YYYY-MM-DD') as due_on,
    (array_agg(coalesce(r.unit_name, r.unit_code) || ' 迟 ' || r.days_late || ' 天' order by r.days_late desc, r.unit_code))[:5]
        as lines,
    greatest(count(*) - 5, 0) as more
from marts.qa_late_register r
join quality.reporting_duty d using (dataset)
where r.status = 'missing' and d.source_kind = 'file'
group by r.dataset, r.period
