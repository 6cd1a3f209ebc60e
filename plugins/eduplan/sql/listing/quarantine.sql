-- Rows in quarantine: where they stand in their file and why, never their values; `total` counts
-- all that match. A held batch keeps its bad rows until a person decides: they are listed too,
-- without an id. Parameters: dataset, period, batch, rule, status (null: any), limit.
with bad_row as (
    select quarantine_id, dataset, period, batch_id, file_no, row_no, rules, reasons, status, edited is not null as edited,
        decided_by, decided_at, decided_why
    from quality.quarantined_row
    union all
    select null, b.dataset, b.period, v.batch_id, v.file_no, v.row_no, v.rules,
        array['本批待人工处理，该行尚未移出'], 'open', false, null, null, null
    from quality.row_verdict v
    join ops.batch b using (batch_id)
    where b.status = 'held' and b.replay_of is null and v.severity = 'critical'
)
select
    q.quarantine_id as id, q.dataset, q.period, q.batch_id as batch, f.path as file, nullif(f.sheet, '') as sheet,
    q.row_no as row, array_to_string(q.rules, ' ') as rules, array_to_string(q.reasons, '; ') as reasons,
    q.status, q.edited, q.decided_by, q.decided_at, q.decided_why,
    count(*) over () as total
from bad_row q
left join ops.batch_file f using (batch_id, file_no)
where (%(dataset)s::text is null or q.dataset = %(dataset)s)
    and (%(period)s::text is null or q.period = %(period)s)
    and (%(batch)s::bigint is null or q.batch_id = %(batch)s)
    and (%(rule)s::text is null or %(rule)s = any(q.rules))
    and (%(status)s::text is null or q.status = %(status)s)
order by q.batch_id, q.file_no, q.row_no
limit %(limit)s
