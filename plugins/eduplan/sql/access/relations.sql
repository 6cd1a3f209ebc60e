-- Every table and view of the schemas that somebody may read, with what decides how.
select c.oid, n.nspname as schema, c.relname as name, c.relkind in ('v', 'm') as is_view,
    'security_invoker=true' = any (coalesce(c.reloptions, '{}')) as is_invoker
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname = any (%(schemas)s)
