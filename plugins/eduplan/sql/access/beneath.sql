-- What the views of bi need beneath them: whole relations, in schema quality columns.
select n.nspname as schema, c.relname as name,
    case n.nspname when 'quality' then found.column_name::text end as column_name
from pg_class v
join pg_namespace b on b.oid = v.relnamespace and b.nspname = 'bi'
cross join lateral ops.beneath(v.oid) found
join pg_class c on c.oid = found.relation
join pg_namespace n on n.oid = c.relnamespace
where v.relkind = 'v' and (n.nspname <> 'quality' or found.column_name is not null)
group by 1, 2, 3
