{#- First calendar year of a period: 2025 for '2025-2026' and for '2025'. -#}
{% macro period_year(period) -%} left({{ period }}, 4)::int {%- endmacro %}

{#- '2025-2026' from 2025. -#}
{% macro school_year(year) -%} ({{ year }})::text || '-' || (({{ year }}) + 1)::text {%- endmacro %}

{#- Calendar year in which the school year of a date begins. -#}
{% macro school_year_of(day) -%} (extract(year from {{ day }} - interval '8 months'))::int {%- endmacro %}

{#- First day of the school year that starts in a calendar year. -#}
{% macro school_year_start(year) -%} make_date({{ year }}, 9, 1) {%- endmacro %}

{#- First and last day of a period as text: a school year ('2025-2026'), a calendar year ('2025') or a
    month ('2026-03'); null for what has no dates ('all'). -#}
{% macro period_start(period) -%}
case length({{ period }})
    when 9 then {{ school_year_start(period_year(period)) }}
    when 4 then make_date({{ period_year(period) }}, 1, 1)
    when 7 then make_date({{ period_year(period) }}, right({{ period }}, 2)::int, 1)
end
{%- endmacro %}
{% macro period_end(period) -%}
case length({{ period }})
    when 9 then {{ school_year_start(period_year(period) ~ ' + 1') }} - 1
    when 4 then make_date({{ period_year(period) }}, 12, 31)
    when 7 then (make_date({{ period_year(period) }}, right({{ period }}, 2)::int, 1) + interval '1 month')::date - 1
end
{%- endmacro %}
