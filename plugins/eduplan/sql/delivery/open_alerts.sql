select severity, count(*)
from quality.alert
where status in ('open', 'acknowledged', 'snoozed')
group by severity
