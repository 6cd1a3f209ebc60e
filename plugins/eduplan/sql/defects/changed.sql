-- Senders whose defects are not what their standing report says; that report stands no longer, nor do
-- those of senders without defects.
with today as (
    select
        sender_code,
        count(*) as line_count,
        encode(sha256(convert_to(string_agg(line, '' order by line), 'UTF8')), 'hex') as content_hash
    from (
        select
            sender_code,
            md5(jsonb_build_array(
                dataset, period, path, sheet, row_no, state, rule_id, severity, columns, "values",
                case when row_no is null then reason end
            )::text) as line
        from defect
    ) as lines
    group by sender_code
),

noted as (
    update quality.defect_report p set superseded_at = clock_timestamp()
    where p.superseded_at is null and p.is_masked = %(is_masked)s
        and not exists (select from today t where (t.sender_code, t.content_hash) = (p.sender_code, p.content_hash))
)

select t.sender_code, t.content_hash, t.line_count
from today t
where not exists (
    select from quality.defect_report p
    where (p.sender_code, p.content_hash, p.is_masked) = (t.sender_code, t.content_hash, %(is_masked)s)
        and p.superseded_at is null
)
order by t.sender_code
