-- Alerts somebody has to see to, the most severe and the oldest first. No parameters.
select
    alert_id, severity, kind, title, owner, opened_at, status, what_to_do, runbook, dataset, period,
    indicator_codes, acknowledged_by, snoozed_until
from quality.alert
where status in ('open', 'acknowledged', 'snoozed')
order by array_position(array['critical', 'warning', 'info'], severity), opened_at, alert_id
