-- Rows in quarantine by rule, the most open first. Parameters: dataset; batches (null: any).
select
    u.rule_id,
    count(*) filter (where q.status = 'open') as open,
    count(*) filter (where q.status <> 'open') as settled
from quality.quarantined_row q
cross join unnest(q.rules) as u (rule_id)
where q.dataset = %(dataset)s
    and (%(batches)s::bigint[] is null or q.batch_id = any(%(batches)s::bigint[]))
group by u.rule_id
order by open desc, settled desc, u.rule_id
