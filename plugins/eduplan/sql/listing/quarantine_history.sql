-- What was done to one quarantined row; corrected columns by name, never their values.
-- Parameters: id.
select
    e.happened_at, e.action, e.from_status, e.to_status, e.actor, e.reason, e.batch_id as batch,
    (select string_agg(k, ' ' order by k) from jsonb_object_keys(e.after) as k) as columns
from quality.quarantine_event e
where e.quarantine_id = %(id)s
order by e.event_id
