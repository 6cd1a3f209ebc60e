-- Who reads what: the readers, what each may see, and what lies beneath the views they read.
-- Nothing here runs with the owner's rights: no function is SECURITY DEFINER.

create table ops.reader (
    role_name text primary key,
    kind text not null check (kind in ('steward', 'analyst', 'bi', 'county')),
    county_codes text[],
    check ((kind = 'county') = (county_codes is not null))
);
comment on table ops.reader is 'Group roles of readers, written by `eduplan access apply`: names and codes, nothing secret';
comment on column ops.reader.county_codes is 'Rows of these regions are seen: the county''s own and the city''s; null: all rows';
-- Policies ask as the reader. Without usage of the schema nobody can name the table.
grant select on ops.reader to public;

create function edu.sees_everything() returns boolean
language sql stable parallel safe
begin atomic
    select exists (
        select from pg_catalog.pg_class
        where oid = 'ops.reader'::regclass and pg_catalog.pg_has_role(relowner, 'usage')
    ) or exists (
        select from ops.reader
        where county_codes is null
            and pg_catalog.pg_has_role(pg_catalog.to_regrole(pg_catalog.quote_ident(role_name)), 'usage')
    );
end;
comment on function edu.sees_everything() is 'Whether the current user reads rows of every region: the owner, or a member of such a group';

create function edu.visible_counties() returns text[]
language sql stable parallel safe
begin atomic
    select coalesce(array_agg(code), '{}')
    from ops.reader
    cross join unnest(county_codes) as code
    where pg_catalog.pg_has_role(pg_catalog.to_regrole(pg_catalog.quote_ident(role_name)), 'usage');
end;
comment on function edu.visible_counties() is 'Regions whose rows the current user reads beside; none for somebody who is no reader';

-- A view that runs with the reader's rights needs rights on what it reads; a view among that which
-- runs with its owner's rights is where this ends.
create function ops.beneath(of_view regclass) returns table (relation regclass)
language sql stable
as $$
    with recursive invoker as (
        select oid, oid in (
            select oid from pg_class where relkind = 'v' and 'security_invoker=true' = any (reloptions)
        ) as goes_on
        from (values (of_view::oid)) as start (oid)
        union
        select used.refobjid, found.relkind = 'v' and 'security_invoker=true' = any (coalesce(found.reloptions, '{}'))
        from invoker
        join pg_rewrite rule on rule.ev_class = invoker.oid
        join pg_depend used on used.classid = 'pg_rewrite'::regclass and used.objid = rule.oid
            and used.refclassid = 'pg_class'::regclass and used.refobjid <> rule.ev_class
        join pg_class found on found.oid = used.refobjid
        where invoker.goes_on
    )
    select oid::regclass from invoker where oid <> of_view
$$;
comment on function ops.beneath(regclass) is 'What a view with its reader''s rights needs its reader to have rights on';

-- Called in the transaction that makes a view of bi, so that no moment is without.
create function ops.grant_beneath(of_view regclass) returns void
language plpgsql
as $$
declare
    readers text;
    item regclass;
begin
    select string_agg(format('%I', role_name), ', ' order by role_name) into readers
    from ops.reader where to_regrole(quote_ident(role_name)) is not null;
    if readers is null then
        return;
    end if;
    -- Two views made side by side stand on the same table.
    perform pg_advisory_xact_lock(4504003);
    for item in select of_view union all select relation from ops.beneath(of_view) loop
        execute format('grant select on %s to %s', item, readers);
    end loop;
end
$$;
comment on function ops.grant_beneath(regclass) is 'Lets every reader read a view of bi and what it stands on';
revoke all on function ops.beneath(regclass), ops.grant_beneath(regclass) from public;
