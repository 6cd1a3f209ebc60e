-- When the numbers were built; before the first recorded build, when the last data came in.
select coalesce(
    (select max(finished_at) from ops.build where status = 'success'),
    (select max(published_at) from ops.batch)
)
