-- Every batch that waits for a decision, and for how many days. Where the request expired it still
-- waits: nothing is published by waiting.
select
    b.batch_id::text as key,
    b.batch_id as batch,
    b.dataset,
    b.period,
    'critical' as severity,
    floor(extract(epoch from %(now)s - coalesce(r.opened_at, b.audited_at, b.landed_at)) / 86400)
        as magnitude,
    b.row_count as rows,
    case r.status when 'expired' then '审核请求已过期，本批仍未发布。' else '' end as expired,
    coalesce(r.review_id, 0) as review,
    coalesce(r.reasons, string_to_array(b.held_reason, '；'), '{}') as lines
from ops.batch b
left join lateral (
    select * from quality.review r where r.batch_id = b.batch_id order by r.review_id desc limit 1
) r on true
where b.status = 'held'
