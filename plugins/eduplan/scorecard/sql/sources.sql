-- One row per dataset: what is published now, what was kept out, what waits.
with open_rows as (
    select dataset, count(*) as open_count, min(opened_at) as oldest_open_at
    from quality.quarantined_row
    where status = 'open'
        and batch_id in (select batch_id from ops.batch where status = 'published')
    group by dataset
),

rejected_files as (
    select b.dataset, count(*) as file_count
    from ops.batch_file as f
    inner join ops.batch as b using (batch_id)
    where
        f.status = 'rejected'
        and b.status = 'published'
        -- Where schools deliver one by one, a later reading of the file may have succeeded.
        and not exists (
            select 1
            from ops.batch_file as again
            inner join ops.batch as later using (batch_id)
            where
                again.path = f.path
                and again.batch_id > f.batch_id
                and later.dataset = b.dataset
                and later.period = b.period
                and later.status <> 'failed'
        )
    group by b.dataset
),

replaced as (
    select s.dataset, count(*) as row_count
    from raw.superseded_row as s
    inner join ops.batch as b using (batch_id)
    where b.status = 'published'
    group by s.dataset
),

stuck as (
    -- A failed delivery counts until something later of the same period was landed. A period that
    -- the contract does not ask for (LND-020) is nobody's debt.
    select f.dataset, count(*) as failed_count
    from ops.batch as f
    where
        f.status = 'failed'
        and f.error_code is distinct from 'LND-020'
        and not exists (
            select 1
            from ops.batch as later
            where
                later.dataset = f.dataset
                and later.period = f.period
                and later.batch_id > f.batch_id
                and later.status <> 'failed'
        )
    group by f.dataset
)

select
    b.dataset,
    max(b.period) filter (where b.status = 'published') as latest_period,
    max(b.published_at) filter (where b.status = 'published') as published_at,
    count(distinct b.period) filter (where b.status = 'published') as period_count,
    coalesce(sum(b.row_count) filter (where b.status = 'published'), 0)::bigint
        - coalesce(max(p.row_count), 0) as row_count,
    coalesce(sum(b.quarantined_count) filter (where b.status = 'published'), 0)::bigint
        as quarantined_count,
    coalesce(max(o.open_count), 0)::bigint as open_count,
    max(o.oldest_open_at) as oldest_open_at,
    coalesce(sum(b.warning_count) filter (where b.status = 'published'), 0)::bigint as warning_count,
    coalesce(max(r.file_count), 0)::bigint as rejected_file_count,
    count(*) filter (where b.status = 'held') as held_count,
    coalesce(max(s.failed_count), 0)::bigint as failed_count
from ops.batch as b
left join open_rows as o using (dataset)
left join rejected_files as r using (dataset)
left join replaced as p using (dataset)
left join stuck as s using (dataset)
group by b.dataset
order by b.dataset
