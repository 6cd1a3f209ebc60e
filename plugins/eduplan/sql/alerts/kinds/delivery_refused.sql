-- Deliveries refused whole until something later of their period was landed, and refused files of
-- what is published now unless a later reading of the same path succeeded. Paths and codes only:
-- messages may quote a cell. A replay is as old as its delivery.
with refused as (
    select
        b.dataset, b.period, true as is_whole, b.error_code as code,
        coalesce((select min(f.path) from ops.batch_file f where f.batch_id = b.batch_id), '') as path
    from ops.batch b
    where b.status = 'failed'
        and not exists (
            select from ops.batch later
            where later.dataset = b.dataset and later.period = b.period
                and coalesce(later.replay_of, later.batch_id) > b.batch_id and later.status <> 'failed'
        )
    union
    select b.dataset, b.period, false, f.error_code, f.path
    from ops.batch_file f
    join ops.batch b using (batch_id)
    where f.status = 'rejected'
        and b.status in ('published', 'held')
        and not exists (
            select from ops.batch_file again
            join ops.batch later using (batch_id)
            where again.path = f.path
                and coalesce(later.replay_of, later.batch_id) > coalesce(b.replay_of, b.batch_id)
                and later.dataset = b.dataset and later.period = b.period
                and later.status <> 'failed' and again.status <> 'rejected'
        )
)

select
    dataset || ':' || period as key,
    dataset,
    period,
    -- LND-020: a period the contract does not ask for. Nothing that is wanted is missing.
    case
        when bool_and(code is not distinct from 'LND-020') then 'info'
        when bool_or(is_whole and code is distinct from 'LND-020') then 'critical'
        else 'warning'
    end as severity,
    count(*) as magnitude,
    string_agg(distinct coalesce(code, '?'), '、') as codes,
    (array_agg(coalesce(code, '?') || ' ' || path order by path))[:5] as lines,
    greatest(count(*) - 5, 0) as more
from refused
group by dataset, period
