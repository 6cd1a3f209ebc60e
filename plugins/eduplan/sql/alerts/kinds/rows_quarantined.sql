-- Open rows of what is published, by dataset, with the rules that accuse most of them. Few of many
-- are left to the defect reports: info. Rows of a held batch wait with it.
with open_row as (
    select q.dataset, q.quarantine_id, q.rules
    from quality.quarantined_row q
    join ops.batch b using (batch_id)
    where q.status = 'open' and b.status = 'published'
),

by_rule as (
    select dataset, rule_id, count(*) as n
    from open_row
    cross join lateral unnest(rules) as u (rule_id)
    group by dataset, rule_id
),

ranked as (
    select *, row_number() over (partition by dataset order by n desc, rule_id) as place
    from by_rule
),

published as (
    select dataset, sum(row_count) as row_count
    from ops.batch
    where status = 'published'
    group by dataset
)

select
    dataset as key,
    dataset,
    o.n as magnitude,
    case when o.n >= 20 or o.n >= 0.005 * p.row_count then 'warning' else 'info' end as severity,
    r.rules,
    r.counts,
    r.more
from (select dataset, count(*) as n from open_row group by dataset) o
join published p using (dataset)
join (
    select
        dataset,
        array_agg(rule_id order by place) filter (where place <= 5) as rules,
        array_agg(n order by place) filter (where place <= 5) as counts,
        greatest(count(*) - 5, 0) as more
    from ranked
    group by dataset
) r using (dataset)
