select sender_code, sender_name, dataset, period, path, sheet, row_no, state, rule_id, severity, reason, columns, "values"
from defect
where sender_code = any(%(senders)s)
order by
    sender_code, severity <> 'critical', dataset, period, path, sheet, row_no nulls first, rule_id, columns, "values"
