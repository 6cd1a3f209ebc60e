-- Attributes and settings of the readers' roles.
select rolname, rolcanlogin, rolconnlimit, rolinherit,
    case when isfinite(rolvaliduntil) then rolvaliduntil end as valid_until,
    array_remove(array[
        case when rolsuper then 'superuser' end,
        case when rolbypassrls then 'bypassrls' end,
        case when rolcreaterole then 'createrole' end,
        case when rolcreatedb then 'createdb' end,
        case when rolreplication then 'replication' end
    ], null) as attributes,
    coalesce((
        select setconfig from pg_db_role_setting where setrole = r.oid and setdatabase = 0
    ), '{}') as settings
from pg_roles r
where rolname = any (%(roles)s)
