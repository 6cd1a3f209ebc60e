-- A warning means: a share of a whole left 0 to 100; look at the units that moved it. Gross ratios,
-- growth and cohorts may. Money may too (a flagged row), so it is a warning and not a stop.
{{ config(severity='warn') }}
select value.indicator_code, value.region_code, value.period, value.value
from {{ ref('int_indicator__values') }} as value
inner join {{ ref('indicator') }} as indicator using (indicator_code)
where indicator.unit = '%'
    and indicator.kind in ('ratio', 'attainment')
    and indicator.unit_of_account = 'school'
    and (value.value < 0 or value.value > 100.000001)
