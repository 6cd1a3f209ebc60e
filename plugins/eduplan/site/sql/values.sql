-- Every published value of the city and its counties, all periods, with both sides.
select
    indicator_code,
    region_level,
    region_code,
    region_name,
    period,
    period_year,
    value,
    numerator,
    denominator,
    expected_units,
    reporting_units,
    coverage_pct,
    is_suppressed
from marts.ind_value
where breakdown = 'all' and region_level <> 'school'
order by indicator_code, region_level, region_code, period_year
