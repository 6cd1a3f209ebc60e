-- What in the schemas of readers is not guarded as it has to be.
with relation as (
    select c.oid, n.nspname as schema, c.relname as name, c.relkind, c.relrowsecurity,
        coalesce(c.reloptions, '{}') as options, pg_get_userbyid(c.relowner) as owner,
        exists (
            select from pg_attribute a
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                and a.attname = 'county_code'
        ) as has_place,
        exists (
            select from pg_attribute a
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                and a.attname ~ '(county|region|school|reporter|unit|contributor)_code$'
        ) as names_place
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f')
        and n.nspname in ('marts', 'bi')
),
policy as (
    select polrelid,
        count(*) = 1
        and bool_and(polname = 'readers_by_county' and polpermissive and polcmd = 'r' and polroles = '{0}')
        and bool_and(
            regexp_replace(pg_get_expr(polqual, polrelid), '\s+', ' ', 'g')
            ~ '^\(\( SELECT edu\.sees_everything\(\) AS sees_everything\) OR \(county_code = ANY \(\( SELECT edu\.visible_counties\(\) AS visible_counties\)::text\[\]\)\)\)$'
        ) as is_ours
    from pg_policy
    group by 1
)
select relation.schema, relation.name, found.fault
from relation
left join policy on policy.polrelid = relation.oid
cross join lateral (
    select case
        when relation.schema = 'marts' and relation.relkind in ('r', 'p') and relation.has_place
            and not (relation.relrowsecurity and coalesce(policy.is_ours, false)) then 'no_policy'
        when relation.schema = 'marts' and not relation.has_place and relation.names_place
            and relation.name <> all (%(reference)s) then 'no_place'
        when relation.schema = 'marts' and relation.relkind = 'v' and relation.has_place
            and ('security_barrier=true' <> all (relation.options)
                or pg_get_viewdef(relation.oid) !~ 'edu\.visible_counties\(\)') then 'no_filter'
        when relation.schema = 'marts' and relation.relkind not in ('r', 'p', 'v') and relation.has_place
            then 'no_policy'
        when relation.schema = 'bi' and (relation.relkind <> 'v'
            or 'security_invoker=true' <> all (relation.options)) then 'not_invoker'
    end as fault
    union all
    select 'owner' where relation.owner <> current_user
) as found
where found.fault is not null
order by 1, 2, 3
