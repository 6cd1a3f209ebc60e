{#- Grain: indicator x region x breakdown x period: every indicator, small cells suppressed. -#}
with

value as (
    select * from {{ ref('int_indicator__values') }}
),

judged as (
    select
        value.*,
        coalesce(value.value, value.numerator, value.denominator) is not null
        and not coalesce(
            case
                when value.region_level = 'school' then level.is_unit_open
                else level.is_city_open
                    and (value.region_level = 'city' or level.is_county_open)
                    and case value.breakdown
                        when 'all' then true
                        when 'stage' then level.is_stage_open
                        when 'sex' then level.is_sex_open
                        when 'urban_rural' then level.is_urban_rural_open
                        when 'ownership' then level.is_ownership_open
                    end
            end,
            true
        ) as is_suppressed
    from value
    left join {{ ref('int_suppression__indicators') }} as level using (indicator_code, period_year)
)

select
    indicator_code,
    region_level,
    region_code,
    county_code,
    region_name,
    breakdown,
    breakdown_value,
    period,
    period_year,
    case when not is_suppressed then value end as value,
    case when not is_suppressed then numerator end as numerator,
    case when not is_suppressed then denominator end as denominator,
    expected_units,
    reporting_units,
    coverage_pct,
    is_suppressed
from judged
