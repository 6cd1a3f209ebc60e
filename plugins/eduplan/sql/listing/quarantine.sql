-- Rows in quarantine: where they stand in their file and why, never their values; `total` counts
-- all that match. A held batch keeps its bad rows until a person decides: they are listed too.
-- Parameters: dataset, period, batch, rule, status (null: any), limit.
with bad_row as (
    select dataset, period, batch_id, file_no, row_no, rules, reasons, status
    from quality.quarantined_row
    union all
    select b.dataset, b.period, v.batch_id, v.file_no, v.row_no, v.rules,
        array['本批待人工处理，该行尚未移出'], 'open'
    from quality.row_verdict v
    join ops.batch b using (batch_id)
    where b.status = 'held' and v.severity = 'critical'
)
select
    q.dataset, q.period, q.batch_id as batch, f.path as file, nullif(f.sheet, '') as sheet, q.row_no as row,
    array_to_string(q.rules, ' ') as rules, array_to_string(q.reasons, '; ') as reasons,
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
