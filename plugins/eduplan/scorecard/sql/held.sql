select batch_id, dataset, period, coalesce(held_reason, '') as reason,
    coalesce(audited_at, landed_at) as since
from ops.batch
where status = 'held'
order by since, batch_id
