-- {table}: the rows of the batch %(batch)s; rows that left it for a later delivery are not there.
insert into accused
select b.dataset, b.period, f.path, f.sheet, v.row_no,
    case b.status when 'held' then '整批待审' else '已入库' end, v.rules, '{{}}', to_jsonb(r)
from quality.row_verdict v
join ops.batch b using (batch_id)
join ops.batch_file f using (batch_id, file_no)
join {table} r on r._file = v.file_no and r._row = v.row_no
where v.batch_id = %(batch)s
    and v.severity = case b.status when 'held' then 'critical' else 'warning' end
