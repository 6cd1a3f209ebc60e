-- Batches, the newest first. Parameters: dataset; dag_id and run_id (null: any): only those that
-- the run handled; limit.
select
    b.batch_id, b.dataset, b.period, b.status, b.row_count, b.accepted_count, b.quarantined_count,
    b.warning_count, b.rejected_count, b.rejected_file_count, b.landed_at, b.published_at,
    b.error_code, b.held_reason, b.replay_of, b.superseded_by, count(*) over () as total
from ops.batch b
where b.dataset = %(dataset)s
    and (
        %(run_id)s::text is null
        or b.batch_id in (
            select batch_id from ops.batch_run where dag_id = %(dag_id)s and run_id = %(run_id)s
        )
    )
order by b.batch_id desc
limit %(limit)s
