-- Columns and codes of each dataset's newest period that its contract does not have, as long as that
-- contract still stands: old periods were as they were. Encodings and totals are notes of a reading.
with living as (
    select batch_id, dataset, contract_hash
    from ops.batch b
    where status in ('audited', 'published', 'held')
        and period = (
            select max(n.period) from ops.batch n
            where n.dataset = b.dataset and n.status in ('audited', 'published', 'held')
        )
)

select
    e.dataset as key,
    e.dataset,
    case when bool_or(e.kind in ('missing_column', 'renamed_column', 'retyped_column', 'unknown_code'))
        then 'warning' else 'info'
    end as severity,
    count(distinct (e.kind, e.column_name, e.related, e.value)) as magnitude,
    (array_agg(distinct e.kind || ' ' || e.column_name || coalesce(' → ' || e.related, '')))[:5] as lines,
    greatest(
        count(distinct e.kind || ' ' || e.column_name || coalesce(' → ' || e.related, '')) - 5, 0
    ) as more
from ops.drift_event e
join living b using (batch_id)
where e.kind not in ('encoding', 'total')
    and b.contract_hash = coalesce(%(hashes)s::jsonb ->> e.dataset, b.contract_hash)
group by e.dataset
