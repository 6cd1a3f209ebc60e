-- Workbooks for senders, latest first.
select report_id as report, sender_code as sender, sender_name as name, defect_count as defects,
    status, is_masked as masked, path, written_at
from quality.defect_report
order by report_id desc
