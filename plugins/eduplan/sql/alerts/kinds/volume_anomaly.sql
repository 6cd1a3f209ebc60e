-- Figures of what is published or waits that are far from those of former years.
select
    a.dataset || ':' || a.period as key,
    a.dataset,
    a.period,
    'warning' as severity,
    count(*) as magnitude,
    (array_agg(
        concat_ws(' ', nullif(a.county_code, ''), a.metric, nullif(a.column_name, ''))
        || '：' || round(a.value::numeric, 3) || '，往年 ' || round(a.expected::numeric, 3)
        order by abs(a.score) desc, a.metric, a.column_name, a.county_code
    ))[:5] as lines,
    greatest(count(*) - 5, 0) as more
from quality.anomaly a
join ops.batch b using (batch_id)
where b.status in ('audited', 'published', 'held')
group by a.dataset, a.period
