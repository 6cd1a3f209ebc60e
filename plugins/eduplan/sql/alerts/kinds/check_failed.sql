-- Rules whose failure is published and told: warnings of rows, table rules; of the last audit of what
-- is published now. Critical rows are in quarantine, a critical table rule was released by a person.
with last_run as (
    select distinct on (batch_id) batch_id, run_id
    from quality.check_result
    where level <> 'file'
    order by batch_id, result_id desc
),

failed as (
    select c.dataset, c.rule_id, sum(coalesce(c.failed_count, 1)) as n
    from quality.check_result c
    join last_run using (batch_id, run_id)
    join ops.batch b using (batch_id)
    where b.status = 'published' and c.status = 'failed' and c.severity = 'warning'
    group by c.dataset, c.rule_id
),

ranked as (
    select *, row_number() over (partition by dataset order by n desc, rule_id) as place
    from failed
)

select
    dataset as key,
    dataset,
    'warning' as severity,
    sum(n) as magnitude,
    count(*) as rule_count,
    array_agg(rule_id order by place) filter (where place <= 5) as rules,
    array_agg(n::bigint order by place) filter (where place <= 5) as counts,
    greatest(count(*) - 5, 0) as more
from ranked
group by dataset
