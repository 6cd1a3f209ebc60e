-- Relations of schema retired that no view of bi reads, neither itself nor through other views.
with recursive read (oid) as (
    select oid from pg_class where relnamespace = to_regnamespace('bi')
    union
    select link.refobjid
    from read
    join pg_rewrite rule on rule.ev_class = read.oid
    join pg_depend link on link.classid = 'pg_rewrite'::regclass and link.objid = rule.oid
        and link.refclassid = 'pg_class'::regclass
)
select case relkind when 'v' then 'view' else 'table' end as kind, relname as name
from pg_class
where relnamespace = to_regnamespace('retired') and relkind in ('r', 'v')
    and oid not in (select oid from read)
order by relname
