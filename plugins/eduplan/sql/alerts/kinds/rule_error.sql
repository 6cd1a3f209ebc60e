-- Rules that ended in an error, and rules that were not run for want of another dataset, in the last
-- audit of what is alive. A batch without rows has nothing to judge; the earliest period has no
-- year before it to be compared with, which is why a rule not run is info.
with last_run as (
    select distinct on (batch_id) batch_id, run_id
    from quality.check_result
    where level <> 'file'
    order by batch_id, result_id desc
)

select
    c.dataset as key,
    c.dataset,
    case when bool_or(c.status = 'error') then 'critical' else 'info' end as severity,
    count(distinct c.rule_id) as magnitude,
    (array_agg(distinct c.rule_id || ' ' || case c.status when 'error' then '出错' else coalesce(c.detail, '未执行') end))[:5]
        as lines,
    greatest(count(distinct c.rule_id) - 5, 0) as more
from quality.check_result c
join last_run using (batch_id, run_id)
join ops.batch b using (batch_id)
where b.status in ('audited', 'published', 'held')
    and b.row_count > 0
    and c.status in ('error', 'not_run')
group by c.dataset
