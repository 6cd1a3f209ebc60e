-- Conditions that no table tells, as whoever saw them raised them.
select
    substr(dedupe_key, length(kind) + 2) as key,
    severity,
    nullif(owner, '') as owner,
    dataset,
    magnitude,
    title,
    detail
from quality.alert_signal
where kind = %(kind)s
