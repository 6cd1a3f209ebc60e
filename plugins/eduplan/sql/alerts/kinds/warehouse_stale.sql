-- Published more than two hours ago and in no good build since.
select
    'build' as key,
    'critical' as severity,
    floor(extract(epoch from %(now)s - min(b.published_at)) / 3600) as magnitude,
    '已发布而未入库，已 ' || floor(extract(epoch from %(now)s - min(b.published_at)) / 3600) || ' 小时' as what,
    count(*) || ' 批已发布，最早 ' || to_char(min(b.published_at) at time zone 'Asia/Shanghai', 'YYYY-MM-DD HH24:MI') as detail
from ops.batch b
where b.status = 'published'
    and b.published_at > coalesce(
        (select max(started_at) from ops.build where status = 'success' and strpos(fingerprint, ':') = 0),
        '-infinity'
    )
having min(b.published_at) < %(now)s - interval '2 hours'
