-- What the readers' roles own, and rights on kinds of things, or in databases, the rules do not know.
with here as (
    select oid from pg_database where datname = current_database()
)
select pg_get_userbyid(d.refobjid) as role,
    case d.deptype when 'o' then 'owns' when 'a' then 'has rights on' else 'is named by' end as how,
    case when d.dbid in (0, here.oid) then pg_describe_object(d.classid, d.objid, d.objsubid)
        else 'something in the database ' || (select datname from pg_database other where other.oid = d.dbid)
    end as what
from pg_shdepend d, here
where d.refclassid = 'pg_authid'::regclass
    and d.refobjid = any (select oid from pg_roles where rolname = any (%(roles)s))
    and not (
        d.deptype = 'a' and d.dbid in (0, here.oid) and d.classid = any (array[
            'pg_class', 'pg_namespace', 'pg_database', 'pg_proc', 'pg_default_acl', 'pg_auth_members'
        ]::regclass[])
    )
