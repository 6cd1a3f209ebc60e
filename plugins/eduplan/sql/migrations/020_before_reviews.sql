-- What an installation of before holds: a held batch that was replaced waits for nothing any more, any
-- other gets the request that lets a person decide on it, and rows in quarantine of a delivery that was
-- replaced as a whole are answered by the one after it.

update ops.batch b set status = 'superseded', superseded_at = clock_timestamp(), superseded_by = later.batch_id
from ops.batch later
where b.status = 'held' and b.scope in ('period', 'full') and b.replay_of is null
    and later.dataset = b.dataset and later.period = b.period and later.status = 'published'
    and later.scope in ('period', 'full') and coalesce(later.replay_of, later.batch_id) > b.batch_id
    and not exists (select from quality.review r where r.batch_id = b.batch_id);

insert into quality.review (batch_id, dataset, period, reasons, row_count, critical_count, opened_at)
select b.batch_id, b.dataset, b.period, coalesce(string_to_array(b.held_reason, '；'), '{}'), b.row_count,
    (select count(*) from quality.row_verdict v where v.batch_id = b.batch_id and v.severity = 'critical'),
    coalesce(b.audited_at, b.landed_at)
from ops.batch b
where b.status = 'held' and not exists (select from quality.review r where r.batch_id = b.batch_id);

with answered as (
    update quality.quarantined_row q set status = 'fixed'
    from ops.batch b
    where b.batch_id = q.batch_id and q.status = 'open' and b.status = 'superseded'
        and b.superseded_by is not null and b.scope in ('period', 'full')
    returning q.quarantine_id, b.superseded_by
)
insert into quality.quarantine_event
    (quarantine_id, action, from_status, to_status, actor, reason, batch_id)
select quarantine_id, 'fixed', 'open', 'fixed', 'eduplan', '已重新报送', superseded_by from answered;
