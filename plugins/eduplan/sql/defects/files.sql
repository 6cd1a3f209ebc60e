-- Files refused, alone or with their whole delivery, until the same path was read well or something
-- later of the period was. LND-020 is a period nobody asked for.
insert into accused
select b.dataset, b.period, f.path, f.sheet, null, '拒收', array[f.error_code], array[coalesce(f.error, '')]
from ops.batch_file f
join ops.batch b using (batch_id)
where f.status = 'rejected' and f.error_code <> 'LND-020'
    and case b.status
        when 'failed' then not exists (
            select from ops.batch later
            where later.dataset = b.dataset and later.period = b.period and later.batch_id > b.batch_id
        )
        when 'published' then true
        else b.status = 'held'
    end
    and not exists (
        select from ops.batch_file again
        join ops.batch later using (batch_id)
        where again.path = f.path and again.batch_id > f.batch_id
            and later.dataset = b.dataset and later.period = b.period
            and later.status <> 'failed' and again.status <> 'rejected'
    )
