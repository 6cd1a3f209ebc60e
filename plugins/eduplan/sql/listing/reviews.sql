-- Requests for a decision on a held batch, newest last; a batch may have several.
-- Parameters: dataset, status (null: any).
select
    r.batch_id as batch, r.dataset, r.period, r.status, b.status as batch_status,
    r.row_count as rows, r.critical_count as critical,
    (extract(epoch from coalesce(r.closed_at, clock_timestamp()) - r.opened_at) / 86400)::numeric(8, 1) as days,
    r.decision, r.decided_by, r.decided_why, r.airflow_run_id as airflow_run,
    array_to_string(r.reasons, '; ') as reasons
from quality.review r
join ops.batch b using (batch_id)
where (%(dataset)s::text is null or r.dataset = %(dataset)s)
    and (%(status)s::text is null or r.status = %(status)s)
order by r.review_id
