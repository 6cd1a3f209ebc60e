-- Every right that one of the roles holds in this database, by what it is a right on.
with reader as (
    select oid from pg_roles where rolname = any (%(roles)s)
),
held as (
    select 'database' as kind, '' as schema, d.datname as name, '' as part, acl.*
    from pg_database d, aclexplode(d.datacl) acl
    where d.datname = current_database()
    union all
    select 'schema', n.nspname, '', '', acl.* from pg_namespace n, aclexplode(n.nspacl) acl
    union all
    select case c.relkind when 'S' then 'sequence' else 'table' end, n.nspname, c.relname, '', acl.*
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) acl
    union all
    select 'column', n.nspname, c.relname, a.attname, acl.*
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid
    join pg_namespace n on n.oid = c.relnamespace, aclexplode(a.attacl) acl
    where not a.attisdropped
    union all
    select 'function', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid), acl.*
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace, aclexplode(p.proacl) acl
    union all
    select case d.defaclobjtype when 'r' then 'future tables' when 'S' then 'future sequences'
            when 'f' then 'future functions' when 'T' then 'future types' else 'future schemas' end,
        coalesce(n.nspname, ''), pg_get_userbyid(d.defaclrole), '', acl.*
    from pg_default_acl d
    left join pg_namespace n on n.oid = d.defaclnamespace, aclexplode(d.defaclacl) acl
)
select held.kind, held.schema, held.name, held.part, lower(held.privilege_type) as privilege,
    pg_get_userbyid(held.grantee) as role, held.is_grantable
from held
join reader on reader.oid = held.grantee
-- What a build has put aside keeps its rights until nothing reads it any more.
where held.schema <> 'retired'
