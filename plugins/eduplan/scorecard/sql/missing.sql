-- Units that an indicator of its latest period expected and did not get, by county: the widest gap.
with latest as (
    select indicator_code, max(period_year) as period_year
    from marts.ind_progress
    where plan_version = %(plan_version)s and value is not null
    group by indicator_code
)

select distinct on (p.region_code)
    p.region_code,
    p.region_name,
    p.period,
    p.indicator_code,
    (p.expected_units - p.reporting_units)::bigint as missing,
    p.expected_units::bigint as expected
from marts.ind_progress as p
inner join latest using (indicator_code, period_year)
where
    p.plan_version = %(plan_version)s
    and p.region_level in ('county', 'city_run')
    and p.expected_units > p.reporting_units
order by p.region_code, p.expected_units - p.reporting_units desc, p.indicator_code
