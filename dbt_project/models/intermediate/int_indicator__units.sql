{#-
  Grain: indicator x period x stage x unit x sex, both sides together.
  A unit is the school where both sides are reported by schools; where either side exists only for
  the county, or the registry says so (unit_of_account), both sides are summed to the county. Only units with both sides take part
  (is_complete), so a missing report lowers the coverage and not the value. `growth` needs both
  sides of the year before as well, of the same school even where its code has changed. Girls and boys of a unit count where they make up the whole.
-#}
with

indicator as (
    select
        indicator_code,
        kind,
        denominator_terms is not null as has_denominator,
        region_basis,
        unit_of_account
    from {{ ref('indicator') }}
),

fact as (
    select
        fact.*,
        indicator.unit_of_account = 'county' or bool_or(fact.reporter_level = 'county') over (
            partition by fact.indicator_code, fact.period_year, fact.stage, fact.county_code, fact.sex
        ) as is_collapsed
    from {{ ref('int_indicator__facts') }} as fact
    inner join indicator using (indicator_code)
),

-- A county without any school of the stages a side counts has none of its pupils: zero, not unknown.
staffed as (
    select distinct
        indicator.indicator_code,
        term.side,
        school.period_year,
        case when indicator.region_basis = 'location' then school.location_county_code
            else school.county_code end as county_code
    from indicator
    inner join {{ ref('int_indicator__terms') }} as term using (indicator_code)
    inner join {{ ref('int_school__stages') }} as school on term.stage = school.stage
    where indicator.unit_of_account = 'county' and term.measure_code <> 'population'
),

empty_side as (
    select distinct indicator.indicator_code, term.side, school.period_year, region.region_code as county_code
    from indicator
    inner join {{ ref('int_indicator__terms') }} as term using (indicator_code)
    cross join (select distinct period_year from {{ ref('int_school__years') }}) as school
    cross join {{ ref('region') }} as region
    where indicator.unit_of_account = 'county'
        and term.measure_code <> 'population'
        and not exists (
            select 1 from staffed
            where staffed.indicator_code = indicator.indicator_code
                and staffed.side = term.side
                and staffed.period_year = school.period_year
                and staffed.county_code = region.region_code
        )
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
        sex,
        sum(value) filter (where side = 'numerator') as numerator,
        sum(value) filter (where side = 'denominator') as denominator
    from fact
    group by 1, 2, 3, 4, 5, 6, 7
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
        unit.sex,
        coalesce(unit.numerator, case when no_numerator.side is not null then 0 end) as numerator,
        case
            when not indicator.has_denominator then 1
            -- Nobody lives in the city-run "county": its pupils belong to the city's value only.
            when indicator.region_basis = 'location' and city_run.region_code is not null
                then coalesce(unit.denominator, 0)
            else coalesce(
                unit.denominator, case when no_denominator.side is not null then 0 end
            )
        end as denominator,
        indicator.has_denominator
    from unit
    inner join indicator using (indicator_code)
    left join city_run on unit.county_code = city_run.region_code
    left join empty_side as no_numerator
        on unit.indicator_code = no_numerator.indicator_code
        and no_numerator.side = 'numerator'
        and unit.period_year = no_numerator.period_year
        and unit.county_code = no_numerator.county_code
    left join empty_side as no_denominator
        on unit.indicator_code = no_denominator.indicator_code
        and no_denominator.side = 'denominator'
        and unit.period_year = no_denominator.period_year
        and unit.county_code = no_denominator.county_code
),

-- A term or a school without the split would make a part of one side only.
whole as (
    select
        indicator_code,
        period_year,
        stage,
        unit_code,
        sum(numerator) filter (where sex <> 'total') = sum(numerator) filter (where sex = 'total')
        and sum(denominator) filter (where sex <> 'total')
        = sum(denominator) filter (where sex = 'total') as is_split
    from sided
    where indicator_code in (select parted.indicator_code from sided as parted where parted.sex <> 'total')
    group by 1, 2, 3, 4
    having count(*) = 3
),

-- The school over time: its first code, as long as only one school of that lineage reports.
tracked as (
    select
        sided.*,
        case
            when count(*) over (
                partition by sided.indicator_code, sided.period_year, sided.stage, sided.sex,
                    coalesce(lineage.lineage_code, sided.unit_code)
            ) = 1 then coalesce(lineage.lineage_code, sided.unit_code)
            else sided.unit_code
        end as pair_code
    from sided
    left join {{ ref('int_school__lineage') }} as lineage on sided.unit_code = lineage.school_code
    where sided.kind = 'growth'
),

final as (
    select
        sided.*,
        before.numerator as previous_numerator,
        before.denominator as previous_denominator,
        sided.numerator is not null
        and sided.denominator is not null
        and (sided.sex = 'total' or coalesce(whole.is_split, false))
        and (
            sided.kind <> 'growth'
            or (before.numerator is not null and before.denominator is not null)
        ) as is_complete
    from sided
    left join tracked
        on sided.indicator_code = tracked.indicator_code
        and sided.period_year = tracked.period_year
        and sided.stage = tracked.stage
        and sided.unit_code = tracked.unit_code
        and sided.county_code = tracked.county_code
        and sided.sex = tracked.sex
    left join tracked as before
        on tracked.indicator_code = before.indicator_code
        and tracked.stage = before.stage
        and tracked.pair_code = before.pair_code
        and tracked.sex = before.sex
        and tracked.period_year = before.period_year + 1
    left join whole
        on sided.sex <> 'total'
        and sided.indicator_code = whole.indicator_code
        and sided.period_year = whole.period_year
        and sided.stage = whole.stage
        and sided.unit_code = whole.unit_code
)

select * from final
