{#- Grain: indicator x period: which rows of a disclosive indicator may be published: what is open for
    every group of measures, in every period, that its values rest on. -#}
{%- set cuts = ['city', 'county', 'stage', 'sex', 'urban_rural', 'ownership', 'unit'] -%}
select
    basis.indicator_code,
    level.period_year + term.periods_back + later.years as period_year,
    {% for cut in cuts -%}
    -- What is built on the values of single schools tells of them.
    bool_and(case when basis.is_base then level.is_unit_open else level.is_{{ cut }}_open end)
        as is_{{ cut }}_open{{ ',' if not loop.last }}
    {% endfor %}
from {{ ref('int_suppression__terms') }} as basis
inner join {{ ref('int_indicator__terms') }} as term on basis.term_code = term.indicator_code
inner join {{ ref('int_suppression__groups') }} as suppression using (measure_code)
inner join {{ ref('int_suppression__levels') }} as level using (group_code)
inner join {{ ref('indicator') }} as indicator on basis.indicator_code = indicator.indicator_code
cross join lateral generate_series(0, (indicator.kind = 'growth')::int) as later (years)
group by 1, 2
