{#-
  A 教基 form in staging: one row per reporter, sheet and form row, numbers parsed.
  A reporter is a school (10 digits) or the county that summed its schools (6 digits).
  The series before 2020 writes 其中:女 where the current one writes #女.
-#}
{% macro census_rows(dataset, value_columns) -%}
with

source as (
    {{ published(dataset, ['reporter_code', 'reporter_name', 'sheet_type', 'row_name'] + value_columns) }}
),

final as (
    select
        {{ clean('reporter_code') }} as reporter_code,
        case when length({{ clean('reporter_code') }}) = 6 then 'county' else 'school' end
            as reporter_level,
        {{ clean('sheet_type') }} as sheet_type,
        regexp_replace({{ clean('row_name') }}, '^其中[:：]?', '#') as row_name,
        period as school_year,
        {{ period_year('period') }} as period_year,
        {% for column in value_columns -%}
        {{ number(column) }} as {{ column }},
        {% endfor -%}
        batch_id
    from source
)

select
    reporter_code,
    reporter_level,
    sheet_type,
    row_name,
    school_year,
    period_year,
    {% for column in value_columns -%}
    {{ column }},
    {% endfor -%}
    batch_id
from final
{%- endmacro %}
