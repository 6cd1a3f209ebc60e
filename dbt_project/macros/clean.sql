{#- One place for the cleaning functions of the warehouse (schema edu). -#}
{% macro clean(column) -%} edu.clean({{ column }}) {%- endmacro %}
{% macro number(column) -%} edu.parse_number({{ column }}) {%- endmacro %}
{% macro parsed_date(column) -%} edu.parse_date({{ column }}) {%- endmacro %}

{#- Null-safe sum of expressions: null only when every part is null. -#}
{% macro total(parts) -%}
case when coalesce({{ parts | join(', ') }}) is not null
    then {% for part in parts %}coalesce({{ part }}, 0){{ ' + ' if not loop.last }}{% endfor %} end
{%- endmacro %}
