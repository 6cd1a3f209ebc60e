-- Deliveries that stopped half way for two hours, and readings of platforms for six.
with stuck as (
    select dataset, coalesce(audited_at, landed_at) as since, '第 ' || batch_id || ' 批停在 ' || status as line
    from ops.batch
    where status in ('landed', 'audited')
        and coalesce(audited_at, landed_at) < %(now)s - interval '2 hours'
    union all
    select dataset, started_at, '第 ' || pull_id || ' 次读取停在 ' || status
    from ops.pull
    where status in ('running', 'complete') and started_at < %(now)s - interval '6 hours'
)

select
    dataset as key,
    dataset,
    'critical' as severity,
    floor(extract(epoch from %(now)s - min(since)) / 3600) as magnitude,
    (array_agg(line order by since))[:5] as lines,
    greatest(count(*) - 5, 0) as more
from stuck
group by dataset
