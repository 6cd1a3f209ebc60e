-- Figures that are far from those of former years, of the newest living batch of each period that has
-- been looked at: what was sent again, or is judged again, counts once, and a platform is judged by
-- its last weeks.
with newest as (
    select distinct on (dataset, period) batch_id
    from ops.batch b
    where status in ('audited', 'published', 'held')
        and (
            exists (select from quality.profile p where p.batch_id = b.batch_id)
            or exists (select from quality.anomaly a where a.batch_id = b.batch_id)
        )
    order by dataset, period, batch_id desc
)

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
join newest using (batch_id)
group by a.dataset, a.period
