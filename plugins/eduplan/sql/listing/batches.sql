-- Deliveries and what became of them; `replaced` rows gave way to later deliveries of their school
-- or key. Parameters: dataset, period, status (null: any).
select
    batch_id as batch, dataset, period, status, row_count as rows, accepted_count as accepted,
    (select nullif(count(*), 0) from raw.superseded_row s where s.batch_id = b.batch_id) as replaced,
    quarantined_count as quarantined, warning_count as warnings, rejected_count as bad_lines,
    rejected_file_count as bad_files,
    to_char(landed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as landed_at,
    error_code as code, coalesce(held_reason, error) as reason
from ops.batch b
where (%(dataset)s::text is null or dataset = %(dataset)s)
    and (%(period)s::text is null or period = %(period)s)
    and (%(status)s::text is null or status = %(status)s)
order by batch_id
