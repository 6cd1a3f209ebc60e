insert into quality.alert (
    dedupe_key, kind, severity, title, detail, what_to_do, runbook, owner, dataset, period,
    region_code, indicator_codes, magnitude, opened_at, last_seen_at
)
values (
    %(dedupe_key)s, %(kind)s, %(severity)s, %(title)s, %(detail)s, %(what_to_do)s, %(runbook)s,
    %(owner)s, %(dataset)s, %(period)s, %(region)s, %(indicators)s, %(magnitude)s, %(now)s, %(now)s
)
returning alert_id
