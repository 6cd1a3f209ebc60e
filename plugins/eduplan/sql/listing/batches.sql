-- Deliveries and what became of them. Parameters: dataset, period, status (null: any).
select
    batch_id, dataset, period, status, row_count, accepted_count, quarantined_count,
    warning_count, rejected_count, rejected_file_count,
    to_char(landed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as landed_at,
    error_code, coalesce(held_reason, error) as reason
from ops.batch
where (%(dataset)s::text is null or dataset = %(dataset)s)
    and (%(period)s::text is null or period = %(period)s)
    and (%(status)s::text is null or status = %(status)s)
order by batch_id
