{#- Rows that the reader may see: everything, or those of its county and of the whole city. Both
    functions are asked once for a query, not once for a row. -#}
{% macro is_visible(column='county_code') -%}
((select edu.sees_everything()) or {{ column }} = any ((select edu.visible_counties())::text[]))
{%- endmacro %}

{#- Post-hook of every mart, in the transaction that puts it in its place: no moment is without.
    A table with a place gets the policy; a view filters in its own SQL (is_visible) and must not
    be read around. -#}
{% macro protect_rows() -%}
{%- if 'county_code' not in model.columns -%}
select 1
{%- elif model.config.materialized == 'view' -%}
alter view {{ this }} set (security_barrier = true)
{%- else -%}
alter table {{ this }} enable row level security;
create policy readers_by_county on {{ this }} for select using {{ is_visible() }}
{%- endif -%}
{%- endmacro %}

{#- Post-hook of every view of bi and its twin: readers may read what the two stand on. -#}
{% macro open_to_readers() -%}
select ops.grant_beneath('{{ this }}'::regclass), ops.grant_beneath('{{ this.incorporate(path={"identifier": model.config.meta.zh}) }}'::regclass)
{%- endmacro %}
