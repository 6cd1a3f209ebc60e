-- Held batches with their last request for a decision, the longest waiting first. Parameters:
-- datasets; run_id (null: all): only what that run of Airflow asks, also once it is decided.
select
    r.review_id, r.batch_id, r.dataset, r.period, r.status, r.reasons, r.row_count,
    r.critical_count, r.opened_at, r.airflow_run_id, r.decision, r.decided_by, r.decided_why,
    b.status as batch_status, b.rejected_count
from quality.review r
join ops.batch b using (batch_id)
where r.dataset = any(%(datasets)s)
    and case
        when %(run_id)s::text is not null then r.airflow_run_id = %(run_id)s
        else b.status = 'held'
            and r.review_id = (select max(l.review_id) from quality.review l where l.batch_id = r.batch_id)
    end
order by r.opened_at, r.review_id
