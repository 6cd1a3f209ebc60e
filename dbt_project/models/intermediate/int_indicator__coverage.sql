{#-
  Grain: indicator x period x stage x expected unit x sex: has it reported?
  Schools are expected by the register and the stages of their type; where an indicator rests on
  county figures alone (money, county sums of earlier years) the counties are expected. A county
  figure that was counted from the lists of schools (measure.counted_from) covers the schools that
  sent their lists, in every year it rests on.
-#}
with

indicator as (
    select
        indicator_code,
        kind,
        period_kind,
        region_basis,
        unit_of_account,
        coalesce(breakdowns, '') like '%stage%' as has_stages,
        coalesce(stage, 'all') as stage,
        string_to_array(expected_stages, '|') as expected_stages
    from {{ ref('indicator') }}
    where is_computed
),

fact as (
    select * from {{ ref('int_indicator__facts') }}
),

-- Sides that schools report themselves in a period and stage; none: the counties are the units.
grain as (
    select
        indicator_code,
        period_year,
        stage,
        count(distinct side) filter (where reporter_level = 'school') as school_sides
    from fact
    where sex = 'total'
    group by 1, 2, 3
),

-- The sexes an indicator is split by, and the whole.
part as (
    select distinct indicator_code, period_year, stage, sex from fact
),

reported as (
    select
        fact.indicator_code,
        fact.period_year,
        fact.stage,
        fact.county_code,
        fact.reporter_code as unit_code,
        fact.sex
    from fact
    inner join grain using (indicator_code, period_year, stage)
    inner join indicator using (indicator_code)
    left join {{ ref('int_indicator__units') }} as unit
        on fact.sex <> 'total'
        and fact.indicator_code = unit.indicator_code
        and fact.period_year = unit.period_year
        and fact.stage = unit.stage
        and fact.sex = unit.sex
        and fact.county_code = unit.county_code
        and unit.unit_code in (fact.reporter_code, fact.county_code)
    where grain.school_sides > 0
        and fact.reporter_level = 'school'
        and (fact.sex = 'total' or unit.is_complete)
    group by 1, 2, 3, 4, 5, 6
    -- Where counties are compared, a school may belong to one side only.
    having count(distinct fact.side) >= case max(indicator.unit_of_account)
        when 'county' then 1 else max(grain.school_sides)
    end
),

expected_schools as (
    select distinct
        indicator.indicator_code,
        grain.period_year,
        grain.stage,
        case when indicator.region_basis = 'location' then school.location_county_code
            else school.county_code end as county_code,
        school.school_code as unit_code,
        'school' as unit_level,
        school.urban_rural,
        school.ownership,
        part.sex
    from grain
    inner join part using (indicator_code, period_year, stage)
    inner join indicator using (indicator_code)
    inner join {{ ref('int_school__stages') }} as school
        on grain.period_year = school.period_year
        and school.stage = any(indicator.expected_stages)
        and (not indicator.has_stages or school.stage = grain.stage)
    where grain.school_sides > 0
),

school_units as (
    select expected.*, reported.unit_code is not null as is_reported
    from expected_schools as expected
    left join reported
        on expected.indicator_code = reported.indicator_code
        and expected.period_year = reported.period_year
        and expected.stage = reported.stage
        and expected.unit_code = reported.unit_code
        and expected.sex = reported.sex
),

ever_reported as (
    select distinct indicator_code, county_code from fact
),

-- A county is expected always, the city-run schools when they reported in any period.
expected_counties as (
    select distinct
        grain.indicator_code, grain.period_year, grain.stage, region.region_code as county_code
    from grain
    cross join {{ ref('region') }} as region
    left join ever_reported
        on grain.indicator_code = ever_reported.indicator_code
        and region.region_code = ever_reported.county_code
    where grain.school_sides = 0
        and (
            region.region_level = 'county'
            or (region.region_level = 'city_run' and ever_reported.county_code is not null)
        )
),

county_units as (
    select
        expected.indicator_code,
        expected.period_year,
        expected.stage,
        expected.county_code,
        expected.county_code as unit_code,
        'county' as unit_level,
        null::text as urban_rural,
        null::text as ownership,
        part.sex,
        coalesce(unit.is_complete, false) as is_reported
    from expected_counties as expected
    inner join part using (indicator_code, period_year, stage)
    left join {{ ref('int_indicator__units') }} as unit
        on expected.indicator_code = unit.indicator_code
        and expected.period_year = unit.period_year
        and expected.stage = unit.stage
        and expected.county_code = unit.unit_code
        and part.sex = unit.sex
),

listed_term as (
    select
        term.indicator_code,
        case when indicator.has_stages then term.stage else indicator.stage end as stage,
        term.stage as term_stage,
        split_part(source.term, '@', 1) as measure_code,
        max(measure.years_back) as years_back
    from {{ ref('int_indicator__terms') }} as term
    inner join indicator using (indicator_code)
    inner join {{ ref('measure') }} as measure using (measure_code)
    inner join lateral string_to_table(measure.counted_from, '|') as source (term)
        on term.stage = split_part(source.term, '@', 2)
    group by 1, 2, 3, 4
),

sent as (
    select distinct
        term.indicator_code, fact.period_year, fact.stage, fact.county_code,
        fact.reporter_code as school_code
    from listed_term as term
    inner join {{ ref('int_school__measures') }} as fact
        on term.term_stage = fact.stage and term.measure_code = fact.measure_code
    where fact.reporter_level = 'school' and fact.sex = 'total'
),

-- Where no school sent anything the county's own sum of that year stands: nothing is missing.
sent_anything as (
    select distinct indicator_code, period_year, stage, county_code from sent
),

listed_schools as (
    select
        grain.indicator_code, grain.period_year, grain.stage, term.term_stage, term.years_back,
        school.school_code, school.county_code, school.urban_rural, school.ownership
    from grain
    inner join listed_term as term using (indicator_code, stage)
    inner join {{ ref('int_school__stages') }} as school
        on grain.period_year = school.period_year and term.term_stage = school.stage
    inner join (select distinct indicator_code, period_year, stage from sent_anything) as live
        on grain.indicator_code = live.indicator_code
        and grain.period_year = live.period_year
        and term.term_stage = live.stage
    where grain.school_sides = 0
),

unsent as (
    select distinct
        listed.indicator_code, listed.period_year, listed.stage, listed.school_code
    from listed_schools as listed
    cross join lateral generate_series(0, listed.years_back) as back (years)
    inner join {{ ref('int_school__stages') }} as school
        on listed.school_code = school.school_code
        and listed.period_year - back.years = school.period_year
        and listed.term_stage = school.stage
    inner join sent_anything
        on listed.indicator_code = sent_anything.indicator_code
        and school.period_year = sent_anything.period_year
        and school.stage = sent_anything.stage
        and school.county_code = sent_anything.county_code
    left join sent
        on listed.indicator_code = sent.indicator_code
        and school.period_year = sent.period_year
        and school.stage = sent.stage
        and school.school_code = sent.school_code
    where sent.school_code is null
),

-- Schools stand here for their county only: they have no value of their own.
listed_units as (
    select
        listed.indicator_code,
        listed.period_year,
        listed.stage,
        listed.county_code,
        listed.school_code as unit_code,
        'listed' as unit_level,
        listed.urban_rural,
        listed.ownership,
        'total' as sex,
        bool_and(coalesce(unit.is_complete, false) and unsent.school_code is null) as is_reported
    from listed_schools as listed
    left join unsent using (indicator_code, period_year, stage, school_code)
    left join {{ ref('int_indicator__units') }} as unit
        on listed.indicator_code = unit.indicator_code
        and listed.period_year = unit.period_year
        and listed.stage = unit.stage
        and listed.county_code = unit.unit_code
        and unit.sex = 'total'
    group by 1, 2, 3, 4, 5, 6, 7, 8
),

-- Attainment: expected are the assessed units, reporting are those that could be judged.
attainment_units as (
    select
        indicator.indicator_code,
        assessed.period_year,
        case when indicator.has_stages then assessed.stage else indicator.stage end as stage,
        assessed.county_code,
        assessed.school_code as unit_code,
        'school' as unit_level,
        school.urban_rural,
        school.ownership,
        'total' as sex,
        judged.unit_code is not null as is_reported
    from indicator
    inner join {{ ref('int_indicator__assessed') }} as assessed
        on assessed.stage = any(indicator.expected_stages)
    inner join {{ ref('int_school__stages') }} as school
        on assessed.school_code = school.school_code
        and assessed.period_year = school.period_year
        and assessed.stage = school.stage
    left join {{ ref('int_indicator__attainment') }} as judged
        on indicator.indicator_code = judged.indicator_code
        and assessed.period_year = judged.period_year
        and assessed.stage = judged.stage
        and assessed.school_code = judged.unit_code
    where indicator.kind = 'attainment'
        and exists (
            select 1 from {{ ref('int_indicator__attainment') }} as any_judged
            where any_judged.indicator_code = indicator.indicator_code
                and any_judged.period_year = assessed.period_year
        )
),

-- Dispersion: the assessed units with a value of the base indicator.
dispersion_units as (
    select
        item.indicator_code,
        assessed.period_year,
        assessed.stage,
        assessed.county_code,
        assessed.school_code as unit_code,
        'school' as unit_level,
        null::text as urban_rural,
        null::text as ownership,
        'total' as sex,
        coalesce(unit.is_complete and unit.denominator > 0, false) as is_reported
    from {{ ref('indicator') }} as item
    inner join {{ ref('int_indicator__assessed') }} as assessed on item.stage = assessed.stage
    left join {{ ref('int_indicator__units') }} as unit
        on item.base_indicators = unit.indicator_code
        and assessed.period_year = unit.period_year
        and assessed.stage = unit.stage
        and assessed.school_code = unit.unit_code
        and unit.sex = 'total'
    where item.kind = 'dispersion' and item.parent_code is not null and item.is_computed
),

-- The headline of a dispersion covers the units that have every item.
dispersion_headline as (
    select
        item.parent_code as indicator_code,
        units.period_year,
        units.stage,
        units.county_code,
        units.unit_code,
        units.unit_level,
        units.urban_rural,
        units.ownership,
        units.sex,
        bool_and(units.is_reported) as is_reported
    from dispersion_units as units
    inner join {{ ref('indicator') }} as item on units.indicator_code = item.indicator_code
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9
)

select
    indicator_code, period_year, stage, county_code, unit_code, unit_level,
    urban_rural, ownership, sex, is_reported
from school_units
union all
select * from county_units
where (indicator_code, period_year, stage) not in (
    select indicator_code, period_year, stage from listed_units
)
union all
select * from listed_units
union all
select * from attainment_units
union all
select * from dispersion_units
union all
select * from dispersion_headline
