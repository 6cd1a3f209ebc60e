-- The last build failed: readers keep the tables of the last good one. Names of models and tests only.
with last as (
    select * from ops.build order by build_id desc limit 1
)

select
    'warehouse' as key,
    'critical' as severity,
    floor(extract(epoch from %(now)s - coalesce(min(failed.started_at), max(last.started_at))) / 3600) as magnitude,
    max(last.build_id) as build,
    (
        select (array_agg(n.resource_type || ' ' || split_part(n.node_id, '.', 3) order by n.node_id))[:5]
        from ops.build_node n
        where n.build_id = max(last.build_id) and n.status in ('error', 'fail', 'runtime error')
    ) as lines
from last
left join ops.build failed
    on failed.status = 'failed'
    and failed.build_id > coalesce((select max(build_id) from ops.build where status = 'success'), 0)
where last.status = 'failed'
having count(*) > 0
