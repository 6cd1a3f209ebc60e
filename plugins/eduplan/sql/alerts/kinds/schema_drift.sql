-- Columns and codes of the newest living batch of each period that its contract does not have, as
-- long as that contract still stands. Encodings and totals are notes of a reading, not drift.
select
    e.dataset as key,
    e.dataset,
    case when bool_or(e.kind in ('missing_column', 'renamed_column', 'retyped_column', 'unknown_code'))
        then 'warning' else 'info'
    end as severity,
    count(distinct (e.kind, e.column_name, e.related)) as magnitude,
    (array_agg(distinct e.kind || ' ' || e.column_name || coalesce(' → ' || e.related, '')))[:5] as lines,
    greatest(count(distinct (e.kind, e.column_name, e.related)) - 5, 0) as more
from ops.drift_event e
join ops.batch b using (batch_id)
where b.status in ('audited', 'published', 'held')
    and e.kind not in ('encoding', 'total')
    and b.contract_hash = coalesce(%(hashes)s::jsonb ->> e.dataset, b.contract_hash)
group by e.dataset
