-- One alert with all its facts; parameter: id.
select
    alert_id as id, kind, severity, status, title, detail, what_to_do, runbook, owner, dataset, period,
    region_code, array_to_string(indicator_codes, ' ') as indicators, magnitude, opened_at,
    last_seen_at, worsened_at, acknowledged_by, snoozed_until, closed_at, closed_by, dedupe_key
from quality.alert
where alert_id = %(id)s
