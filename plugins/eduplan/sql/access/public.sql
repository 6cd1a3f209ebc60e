-- What everybody on this server may do here and should not: PUBLIC is every role there will ever be.
-- Large objects are writing, advisory locks could hold up a build: of the server's own functions
-- only a superuser can take them away.
select 'database' as kind, '' as schema, d.datname as name, '' as part,
    lower(acl.privilege_type) as privilege
from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) acl
where d.datname = current_database() and acl.grantee = 0
union all
select 'schema', n.nspname, '', '', lower(acl.privilege_type)
from pg_namespace n, aclexplode(n.nspacl) acl
where acl.grantee = 0 and (n.nspname = 'public' or n.nspname = any (%(schemas)s))
union all
select 'table', n.nspname, c.relname, '', lower(acl.privilege_type)
from pg_class c
join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) acl
where acl.grantee = 0 and n.nspname = any (%(schemas)s)
    and (n.nspname, c.relname, acl.privilege_type) <> ('ops', 'reader', 'SELECT')
union all
select 'function', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid),
    lower(acl.privilege_type)
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace,
    aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) acl
where acl.grantee = 0 and n.nspname = 'pg_catalog'
    and p.proname ~ '^(lo_|lowrite$|loread$|pg_(try_)?advisory_|pg_logical_emit_message$)'
