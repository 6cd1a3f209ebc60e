-- Batches with rows that are published with a warning, or wait with their batch for a person. What a
-- held replay judges anew is in quarantine or published: its sender has it already.
select b.batch_id, b.dataset
from ops.batch b
where (b.status = 'published' or (b.status = 'held' and b.replay_of is null))
    and exists (
        select from quality.row_verdict v
        where v.batch_id = b.batch_id
            and v.severity = case b.status when 'held' then 'critical' else 'warning' end
    )
order by b.batch_id
