-- What was caught in the deliveries that stand or wait, one row per dataset with anything: rows by
-- severity, refused lines and files, failed table rules, drift, held batches. No parameters.
with live as (
    select batch_id, dataset, status
    from ops.batch
    where status in ('published', 'held')
),

row_found as (
    select l.dataset,
        count(*) filter (where v.severity = 'critical') as critical_rows,
        count(*) filter (where v.severity = 'warning') as warning_rows,
        count(*) filter (where v.severity = 'info') as info_rows
    from quality.row_verdict v
    join live l using (batch_id)
    group by l.dataset
),

table_found as (
    select l.dataset, count(distinct (c.batch_id, c.rule_id)) as table_rules
    from quality.check_result c
    join live l using (batch_id)
    where c.level = 'table' and c.status = 'failed'
    group by l.dataset
),

line_found as (
    select l.dataset, count(*) as refused_lines
    from quality.quarantined_row q
    join live l using (batch_id)
    where q.rules[1] like 'LND-%'
    group by l.dataset
),

file_found as (
    select b.dataset, count(distinct f.path) as refused_files
    from ops.batch_file f
    join ops.batch b using (batch_id)
    where f.status = 'rejected' and b.status in ('published', 'held', 'failed')
    group by b.dataset
),

drift_found as (
    select e.dataset, count(*) as drift_events
    from ops.drift_event e
    join live l using (batch_id)
    where e.kind <> 'unknown_code'  -- those are rows, counted above
    group by e.dataset
),

held as (
    select dataset, count(*) as held_batches from live where status = 'held' group by dataset
)

select *
from (
    select
        dataset,
        coalesce(critical_rows, 0) as critical_rows,
        coalesce(warning_rows, 0) as warning_rows,
        coalesce(info_rows, 0) as info_rows,
        coalesce(refused_lines, 0) as refused_lines,
        coalesce(refused_files, 0) as refused_files,
        coalesce(table_rules, 0) as table_rules,
        coalesce(drift_events, 0) as drift_events,
        coalesce(held_batches, 0) as held_batches
    from row_found
    full join table_found using (dataset)
    full join line_found using (dataset)
    full join file_found using (dataset)
    full join drift_found using (dataset)
    full join held using (dataset)
) as caught
where critical_rows + warning_rows + info_rows + refused_lines + refused_files + table_rules
    + drift_events + held_batches > 0
order by dataset
