-- Standing defect reports. Parameters: sender (null: any), is_masked.
select
    sender_code as sender, sender_name as name, defect_count as defects, status,
    to_char(coalesce(sent_at, written_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "at", error, path
from quality.defect_report
where superseded_at is null and is_masked = %(is_masked)s and (%(sender)s::text is null or sender_code = %(sender)s)
order by defect_count desc, sender_code
