{#-
  What a view of bi reads is never dropped under it: it moves to schema `retired`, with the views
  between the two, and the reader goes on reading it there until the view of bi is replaced
  (`eduplan build` then drops what nothing reads any more). All else is dropped as ever.
  docs/adr/0022-readers-stay-on-the-last-good-build.md
-#}
{% macro postgres__drop_relation(relation) -%}
{% call statement('drop_relation', auto_begin=False) -%}
do $retire$
declare
    moving record;
    tries integer := 0;
begin
    if not exists (
        {{ dependents(relation) }}
        select from pg_class where oid in (select oid from dependent)
            and relnamespace = to_regnamespace('bi')
    ) then
        {{ get_drop_sql(relation) }};
        return;
    end if;
    loop
        begin
            -- Giving up before a deadlock is looked for lets a reader's query through, never ends it.
            set local lock_timeout = '500ms';
            for moving in
                {{ dependents(relation) }}
                select class.oid, class.relname, case class.relkind when 'v' then 'view' else 'table' end as kind
                from pg_class as class
                inner join (select oid, max(depth) as depth from dependent group by oid) as found using (oid)
                where class.relnamespace not in (to_regnamespace('bi'), to_regnamespace('retired'))
                order by found.depth desc
            loop
                execute format('alter %s %s rename to %I', moving.kind, moving.oid::regclass,
                    left(moving.relname, 45) || '_' || moving.oid);
                execute format('alter %s %s set schema retired', moving.kind, moving.oid::regclass);
            end loop;
            return;
        exception when lock_not_available then
            tries := tries + 1;
            if tries = 300 then
                raise;
            end if;
            perform pg_sleep(0.1);
        end;
    end loop;
end
$retire$
{%- endcall %}
{%- endmacro %}

{#- The relation and the views that rest on it, nearest first. -#}
{% macro dependents(relation) -%}
with recursive dependent (oid, depth) as (
    select to_regclass('{{ relation.include(database=false) }}')::oid, 0
    union
    select rule.ev_class, dependent.depth + 1
    from dependent
    inner join pg_depend as link
        on link.refclassid = 'pg_class'::regclass and link.refobjid = dependent.oid
        and link.classid = 'pg_rewrite'::regclass
    inner join pg_rewrite as rule on rule.oid = link.objid and rule.ev_class <> dependent.oid
)
{%- endmacro %}
