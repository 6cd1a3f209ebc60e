-- Alerts, gravest first. Parameters: id, status (`alive`: not closed; `all`), kind, severity, dataset
-- (null: any).
select
    alert_id as id, severity, kind, status, title, dataset, period, owner,
    cardinality(indicator_codes) as indicators, magnitude,
    to_char(opened_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as opened_at,
    coalesce(acknowledged_by, closed_by) as "by",
    to_char(snoozed_until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as snoozed_until
from quality.alert
where case %(status)s
        when 'alive' then status in ('open', 'acknowledged', 'snoozed')
        when 'all' then true
        else status = %(status)s
    end
    and (%(kind)s::text is null or kind = %(kind)s)
    and (%(severity)s::text is null or severity = %(severity)s)
    and (%(dataset)s::text is null or dataset = %(dataset)s)
order by array_position(array['critical', 'warning', 'info'], severity), kind, dataset, alert_id
