insert into quality.alert_signal
    (dedupe_key, kind, severity, title, detail, magnitude, raised_at)
select
    'dead_channel:' || %(channel)s,
    'dead_channel',
    'critical',
    '告警渠道 ' || %(channel)s || ' 发不出消息',
    '已连续失败 ' || %(failures)s || ' 次，' || count(*) || ' 条消息在等待；最近一次：' || %(error)s,
    %(failures)s,
    %(now)s
from quality.alert_delivery
where channel = %(channel)s and status = 'pending'
on conflict (dedupe_key) do update
set detail = excluded.detail, magnitude = excluded.magnitude
