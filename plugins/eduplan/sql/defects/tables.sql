-- Rules on a whole delivery, as judged last. It is the sender's own matter where the delivery is one
-- file, else that of the office that has all of them.
insert into accused
select c.dataset, c.period, own.path, '', null,
    case b.status when 'held' then '整批待审' else '已入库' end, array[c.rule_id],
    array[coalesce(c.detail, '')]
from quality.check_result c
join ops.batch b using (batch_id)
left join lateral (
    select min(f.path) as path from ops.batch_file f
    where f.batch_id = b.batch_id having count(distinct f.path) = 1
) own on true
where b.status in ('published', 'held') and c.level = 'table' and c.status = 'failed'
    and c.run_id = (
        select run_id from quality.check_result latest
        where latest.batch_id = b.batch_id and latest.level <> 'file'
        order by latest.result_id desc limit 1
    )
