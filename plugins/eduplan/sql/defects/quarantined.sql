-- Rows in quarantine, and rows refused for good until their delivery is replaced.
insert into accused
select q.dataset, q.period, f.path, coalesce(f.sheet, ''), q.row_no,
    case q.status when 'rejected' then '已退回' else '未入库' end, q.rules, q.reasons, q.payload
from quality.quarantined_row q
join ops.batch b using (batch_id)
left join ops.batch_file f using (batch_id, file_no)
where q.status = 'open' or (q.status = 'rejected' and b.status = 'published')
