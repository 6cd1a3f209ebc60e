-- Every value of the city and its counties, and why it is absent where it is.
with

reason as (
    -- Why there is no number is the same for every version of the plan.
    select distinct on (indicator_code, region_code, period)
        indicator_code, region_code, period, no_data_reason
    from bi.indicator_progress
    where value is null
    order by indicator_code, region_code, period, plan_version
)

select
    v.indicator_code,
    v.region_code,
    v.breakdown,
    v.breakdown_value,
    v.period_year,
    v.value,
    v.denominator,
    v.is_suppressed,
    v.coverage_pct,
    v.expected_units,
    v.reporting_units,
    reason.no_data_reason as reason
from bi.indicator_value as v
left join reason
    on v.indicator_code = reason.indicator_code
    and v.region_code = reason.region_code
    and v.period = reason.period
    and v.breakdown = 'all'
order by
    v.indicator_code collate "C", v.region_code collate "C", v.breakdown collate "C",
    v.breakdown_value collate "C", v.period_year
