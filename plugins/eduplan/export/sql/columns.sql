-- Every column of every view of a schema, with the comments of both.
select
    view.relname as view,
    coalesce(obj_description(view.oid, 'pg_class'), '') as view_comment,
    field.attname as name,
    format_type(field.atttypid, field.atttypmod) as type,
    coalesce(col_description(view.oid, field.attnum), '') as comment
from pg_class as view
inner join pg_attribute as field on view.oid = field.attrelid
where view.relnamespace = to_regnamespace(%(schema)s)
    and view.relkind in ('r', 'v', 'm')
    and field.attnum > 0
    and not field.attisdropped
order by view.relname collate "C", field.attnum
