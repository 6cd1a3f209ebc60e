-- What the views of bi need beneath them. While a build runs that may be the build before, aside in
-- schema retired.
select distinct n.nspname as schema, c.relname as name
from pg_class v
join pg_namespace b on b.oid = v.relnamespace and b.nspname = 'bi'
cross join lateral ops.beneath(v.oid) found
join pg_class c on c.oid = found.relation
join pg_namespace n on n.oid = c.relnamespace
where v.relkind = 'v' and n.nspname <> 'retired'
