-- Deliveries that stopped half way for two hours and are gone on with, and readings of platforms for
-- six. Of a whole period nobody goes on with what a later delivery was published in place of.
with stuck as (
    select dataset, coalesce(audited_at, landed_at) as since, '第 ' || batch_id || ' 批停在 ' || status as line
    from ops.batch b
    where status in ('landed', 'audited')
        and coalesce(audited_at, landed_at) < %(now)s - interval '2 hours'
        and not (scope in ('period', 'full') and exists (
            select from ops.batch later
            where later.dataset = b.dataset and later.period = b.period
                and later.status in ('published', 'held')
                and (coalesce(later.replay_of, later.batch_id), later.batch_id)
                > (coalesce(b.replay_of, b.batch_id), b.batch_id)
        ))
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
