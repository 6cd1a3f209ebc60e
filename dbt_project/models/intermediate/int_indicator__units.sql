{#-
  Grain: indicator x period x stage x unit, both sides together.
  A unit is the school where both sides are reported by schools; where either side exists only for
  the county, both sides are summed to the county. Only units with both sides take part
  (is_complete), so a missing report lowers the coverage and not the value. `growth` needs both
  sides of the year before as well.
-#}
with

fact as (
    select
        *,
        bool_or(reporter_level = 'county')
            over (partition by indicator_code, period_year, stage, county_code) as is_collapsed
    from {{ ref('int_indicator__facts') }}
),

indicator as (
    select indicator_code, kind, denominator_terms is not null as has_denominator, region_basis
    from {{ ref('indicator') }}
),

city_run as (
    select region_code from {{ ref('region') }}
    where region_level = 'city_run'
),

unit as (
    select
        indicator_code,
        period_year,
        stage,
        county_code,
        case when is_collapsed then county_code else reporter_code end as unit_code,
        case when is_collapsed then 'county' else 'school' end as unit_level,
        sum(value) filter (where side = 'numerator') as numerator,
        sum(value) filter (where side = 'denominator') as denominator
    from fact
    group by 1, 2, 3, 4, 5, 6
),

sided as (
    select
        unit.indicator_code,
        indicator.kind,
        unit.period_year,
        unit.stage,
        unit.county_code,
        unit.unit_code,
        unit.unit_level,
        unit.numerator,
        case
            when not indicator.has_denominator then 1
            -- Nobody lives in the city-run "county": its pupils belong to the city's value only.
            when indicator.region_basis = 'location' and city_run.region_code is not null
                then coalesce(unit.denominator, 0)
            else unit.denominator
        end as denominator,
        indicator.has_denominator
    from unit
    inner join indicator using (indicator_code)
    left join city_run on unit.county_code = city_run.region_code
),

final as (
    select
        sided.*,
        before.numerator as previous_numerator,
        before.denominator as previous_denominator,
        sided.numerator is not null
        and sided.denominator is not null
        and (
            sided.kind <> 'growth'
            or (before.numerator is not null and before.denominator is not null)
        ) as is_complete
    from sided
    left join sided as before
        on sided.kind = 'growth'
        and sided.indicator_code = before.indicator_code
        and sided.stage = before.stage
        and sided.unit_code = before.unit_code
        and sided.period_year = before.period_year + 1
)

select * from final
