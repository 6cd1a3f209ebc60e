{#- Schemas are the layers themselves: no target prefix. A preview puts all it builds into one
    scratch schema of its own. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (var('scratch_schema') or custom_schema_name or target.schema) | trim }}
{%- endmacro %}
