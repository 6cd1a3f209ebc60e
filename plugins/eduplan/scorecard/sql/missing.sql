-- Units that an indicator of its latest period expected and did not get, by county: the widest gap.
with latest as (
    select indicator_code, max(period_year) as period_year
    from marts.ind_value
    group by indicator_code
)

select distinct on (v.region_code)
    v.region_code,
    v.region_name,
    v.period,
    v.indicator_code,
    (v.expected_units - v.reporting_units)::bigint as missing,
    v.expected_units::bigint as expected
from marts.ind_value as v
inner join latest using (indicator_code, period_year)
where
    v.region_level = 'county'
    and v.breakdown = 'all'
    and v.expected_units > v.reporting_units
order by v.region_code, v.expected_units - v.reporting_units desc, v.indicator_code
