{#- First calendar year of a period: 2025 for '2025-2026' and for '2025'. -#}
{% macro period_year(period) -%} left({{ period }}, 4)::int {%- endmacro %}

{#- '2025-2026' from 2025. -#}
{% macro school_year(year) -%} ({{ year }})::text || '-' || (({{ year }}) + 1)::text {%- endmacro %}

{#- Calendar year in which the school year of a date begins. -#}
{% macro school_year_of(day) -%} (extract(year from {{ day }} - interval '8 months'))::int {%- endmacro %}

{#- First day of the school year that starts in a calendar year. -#}
{% macro school_year_start(year) -%} make_date({{ year }}, 9, 1) {%- endmacro %}
