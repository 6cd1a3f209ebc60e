{#- The day a view is read for: the reader's own (`set eduplan.today = '2026-09-21'`), else the one
    this installation stands still at, else the clock's. Views move daily without a build. -#}
{% macro as_of() -%}
coalesce(
    nullif(current_setting('eduplan.today', true), '')::date,
    {% if var('today', '') -%} '{{ var("today") }}'::date, {%- endif %}
    (current_timestamp at time zone 'Asia/Shanghai')::date
)
{%- endmacro %}

{#- The day something was read or landed. An installation that stands still at a day does all it does
    on that day. -#}
{% macro day_of(moment) -%}
{%- if var('today', '') -%} '{{ var("today") }}'::date {%- else -%} ({{ moment }} at time zone 'Asia/Shanghai')::date {%- endif -%}
{%- endmacro %}
