{#-
  Grain: indicator x region x breakdown x period. One set of SQL for every indicator:
  the registry says the kind and the terms, the units carry both sides, this model adds them up.

  ratio, cohort        scale x sum(numerator) / sum(denominator)
  count, amount        scale x sum(numerator)
  growth               change of sum(numerator) / sum(denominator) on the year before, in per cent
  attainment           scale x units that meet the set / units judged
  dispersion           computed per region in int_indicator__dispersion
  A zero denominator gives no value.
-#}
with

indicator as (
    select
        indicator_code,
        kind,
        scale,
        period_kind,
        region_basis,
        denominator_terms is not null as has_denominator,
        string_to_array(coalesce(breakdowns, ''), '|') as breakdown_list
    from {{ ref('indicator') }}
    where is_computed
),

city as (
    select region_code from {{ ref('region') }}
    where region_level = 'city'
),

region as (
    select region_code, region_name from {{ ref('region') }}
),

school as (
    select school_code, period_year, school_name, county_code, urban_rural, ownership
    from {{ ref('int_school__years') }}
),

unit as (
    select
        indicator_code, period_year, stage, county_code, unit_code, unit_level, sex,
        numerator, denominator, previous_numerator, previous_denominator
    from {{ ref('int_indicator__units') }}
    where is_complete
    union all
    select
        indicator_code, period_year, stage, county_code, unit_code, 'school' as unit_level,
        'total' as sex, numerator, denominator, null as previous_numerator, null as previous_denominator
    from {{ ref('int_indicator__attainment') }}
),

described as (
    select unit.*, school.urban_rural, school.ownership
    from unit
    left join school
        on unit.unit_level = 'school'
        and unit.unit_code = school.school_code
        and unit.period_year = school.period_year
),

rolled as (
    select
        described.indicator_code,
        described.period_year,
        target.region_level,
        target.region_code,
        split.breakdown,
        split.breakdown_value,
        sum(described.numerator) as numerator,
        sum(described.denominator) as denominator,
        sum(described.previous_numerator) as previous_numerator,
        sum(described.previous_denominator) as previous_denominator
    from described
    inner join indicator using (indicator_code)
    {{ rollup_targets('described') }}
    group by 1, 2, 3, 4, 5, 6
),

valued as (
    select
        rolled.indicator_code,
        rolled.period_year,
        rolled.region_level,
        rolled.region_code,
        rolled.breakdown,
        rolled.breakdown_value,
        case
            when indicator.kind = 'growth' then indicator.scale * (
                (rolled.numerator / nullif(rolled.denominator, 0))
                / nullif(rolled.previous_numerator / nullif(rolled.previous_denominator, 0), 0)
                - 1
            )
            when indicator.kind in ('count', 'amount') then indicator.scale * rolled.numerator
            else indicator.scale * rolled.numerator / nullif(rolled.denominator, 0)
        end as value,
        -- Growth compares two years: the change over last year's level.
        case
            when indicator.kind = 'growth'
                then rolled.numerator / nullif(rolled.denominator, 0)
                    - rolled.previous_numerator / nullif(rolled.previous_denominator, 0)
            else rolled.numerator
        end as numerator,
        case
            when indicator.kind = 'growth'
                then rolled.previous_numerator / nullif(rolled.previous_denominator, 0)
            when not indicator.has_denominator and indicator.kind in ('count', 'amount') then null
            else rolled.denominator
        end as denominator
    from rolled
    inner join indicator using (indicator_code)
    union all
    select
        indicator_code,
        period_year,
        region_level,
        region_code,
        'all' as breakdown,
        'all' as breakdown_value,
        value,
        numerator,
        denominator
    from {{ ref('int_indicator__dispersion') }}
),

covered as (
    select
        coverage.indicator_code,
        coverage.period_year,
        target.region_level,
        target.region_code,
        split.breakdown,
        split.breakdown_value,
        count(*) as expected_units,
        count(*) filter (where coverage.is_reported) as reporting_units
    from {{ ref('int_indicator__coverage') }} as coverage
    inner join indicator using (indicator_code)
    {{ rollup_targets('coverage') }}
    group by 1, 2, 3, 4, 5, 6
),

-- Pupils against residents need the place of every school. A county sum of city-run schools has
-- none: then the city has a value and its counties do not.
unplaced as (
    select distinct unit.indicator_code, unit.period_year
    from unit
    inner join indicator using (indicator_code)
    inner join {{ ref('region') }} as city_run
        on unit.county_code = city_run.region_code and city_run.region_level = 'city_run'
    where indicator.region_basis = 'location'
),

-- A period in which nobody reported an indicator is no period of it.
live as (
    select distinct indicator_code, period_year from valued
    where value is not null
),

final as (
    select
        coalesce(valued.indicator_code, covered.indicator_code)::text as indicator_code,
        coalesce(valued.region_level, covered.region_level)::text as region_level,
        coalesce(valued.region_code, covered.region_code)::text as region_code,
        coalesce(valued.breakdown, covered.breakdown)::text as breakdown,
        coalesce(valued.breakdown_value, covered.breakdown_value)::text as breakdown_value,
        coalesce(valued.period_year, covered.period_year)::int as period_year,
        valued.value::numeric(28, 10) as value,
        valued.numerator::numeric(28, 10) as numerator,
        valued.denominator::numeric(28, 10) as denominator,
        covered.expected_units::int as expected_units,
        covered.reporting_units::int as reporting_units,
        (100.0 * covered.reporting_units / nullif(covered.expected_units, 0))::numeric(28, 10) as coverage_pct
    from valued
    full join covered
        using (indicator_code, period_year, region_level, region_code, breakdown, breakdown_value)
)

select
    final.indicator_code,
    final.region_level,
    final.region_code,
    -- A school is its county's business wherever it stands.
    case final.region_level when 'school' then school.county_code else final.region_code end::text
        as county_code,
    coalesce(region.region_name, school.school_name)::text as region_name,
    final.breakdown,
    final.breakdown_value,
    case indicator.period_kind
        when 'fiscal_year' then final.period_year::text
        else {{ school_year('final.period_year') }}
    end as period,
    final.period_year,
    final.value,
    final.numerator,
    final.denominator,
    final.expected_units,
    final.reporting_units,
    final.coverage_pct
from final
inner join live using (indicator_code, period_year)
inner join indicator using (indicator_code)
left join unplaced
    on final.indicator_code = unplaced.indicator_code
    and final.period_year = unplaced.period_year
    and final.region_level = 'county'
left join region on final.region_level in ('city', 'county') and final.region_code = region.region_code
left join school
    on final.region_level = 'school'
    and final.region_code = school.school_code
    and final.period_year = school.period_year
where unplaced.indicator_code is null
