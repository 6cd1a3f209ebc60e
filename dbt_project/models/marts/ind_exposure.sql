{#-
  Grain: indicator x region x period with open quarantined rows: between which bounds the value
  could move at most if all of them were mended.

  A row of a list of persons is one person: it may enter the sides its dataset feeds. Any other row
  stands for the report of its school: a school of the size it last had (else of the mean size),
  whose own ratio lies anywhere between 0 and 1 for a share, else between the smallest and the
  largest ratio that a school of the city reported for the period. Where schools themselves are
  judged (attainment) every row puts its school in doubt. There are no bounds where a report in
  doubt has no school, where no school has a value of its own (county figures), and for sums of
  anything but schools, counties and persons, of which a row is one.
-#}
with

indicator as (
    select
        indicator_code,
        scale,
        kind in ('count', 'amount') as is_sum,
        kind = 'attainment' as is_judged,
        unit in ('count', 'persons') as is_head_count,
        unit = '%' as is_share
    from {{ ref('indicator') }}
    where is_computed and kind in ('ratio', 'attainment', 'cohort', 'count', 'amount')
),

unit as (
    select indicator_code, period_year, county_code, unit_code, numerator, denominator
    from {{ ref('int_indicator__units') }}
    where unit_level = 'school' and sex = 'total' and is_complete and denominator > 0
    union all
    select indicator_code, period_year, county_code, unit_code, numerator, denominator
    from {{ ref('int_indicator__attainment') }}
),

-- A school of several stages is one reporter.
reported as (
    select
        indicator_code,
        period_year,
        max(county_code) as county_code,
        unit_code,
        sum(numerator) as numerator,
        sum(denominator) as denominator
    from unit
    group by 1, 2, 4
),

spread as (
    select
        indicator_code,
        period_year,
        min(numerator / denominator) as least_ratio,
        max(numerator / denominator) as greatest_ratio,
        avg(denominator) as mean_denominator
    from reported
    group by 1, 2
),

held as (
    select
        held.*,
        held.row_is = 'person' and not indicator.is_judged as is_person
    from {{ ref('int_indicator__quarantine') }} as held
    inner join indicator using (indicator_code)
),

city as (
    select region_code from {{ ref('region') }}
    where region_level = 'city'
),

-- Everything held counts for the city, and for its county where that is known.
regional as (
    select held.*, city.region_code from held cross join city
    union all
    select held.*, held.county_code as region_code from held
    where held.county_code is not null
),

persons as (
    select
        indicator_code,
        period_year,
        region_code,
        sum(row_count) filter (where is_in_numerator and is_in_denominator) as both_sides,
        sum(row_count) filter (where is_in_numerator and not is_in_denominator) as numerator_only,
        sum(row_count) filter (where is_in_denominator and not is_in_numerator) as denominator_only
    from regional
    where is_person
    group by 1, 2, 3
),

reporter as (
    select
        indicator_code, period_year, region_code, reporter_code,
        -- Without a school every row may be another one's.
        case when reporter_code is null then sum(row_count) else 1 end as reports
    from regional
    where not is_person and (is_in_numerator or is_in_denominator)
    group by 1, 2, 3, 4
),

reports as (
    select
        reporter.indicator_code,
        reporter.period_year,
        reporter.region_code,
        sum(reporter.reports) as reporters,
        bool_and(reporter.reporter_code is not null) and max(spread.mean_denominator) is not null
            as is_sized,
        sum(coalesce(now.numerator, 0)) as own_numerator,
        sum(coalesce(now.denominator, 0)) as own_denominator,
        sum(coalesce(now.denominator, before.denominator, spread.mean_denominator)) as size
    from reporter
    left join reported as now
        on reporter.indicator_code = now.indicator_code
        and reporter.period_year = now.period_year
        and reporter.reporter_code = now.unit_code
    left join reported as before
        on reporter.indicator_code = before.indicator_code
        and reporter.period_year = before.period_year + 1
        and reporter.reporter_code = before.unit_code
    left join spread
        on reporter.indicator_code = spread.indicator_code
        and reporter.period_year = spread.period_year
    group by 1, 2, 3
),

counted as (
    select indicator_code, period_year, region_code, sum(row_count) as row_count
    from regional
    group by 1, 2, 3
),

joined as (
    select
        value.indicator_code,
        value.region_level,
        value.region_code,
        value.period,
        value.period_year,
        value.value,
        indicator.scale,
        indicator.is_sum,
        counted.row_count,
        coalesce(reports.reporters, 0) as reporters,
        coalesce(persons.both_sides, 0) as both_sides,
        coalesce(persons.numerator_only, 0) as numerator_only,
        coalesce(persons.denominator_only, 0) as denominator_only,
        -- The region without the schools in doubt, and their size.
        value.numerator - coalesce(reports.own_numerator, 0) as numerator,
        value.denominator - coalesce(reports.own_denominator, 0) as denominator,
        coalesce(reports.size, 0) as size,
        case when indicator.is_sum then reports.reporters is null or indicator.is_head_count
            else coalesce(reports.is_sized, true) end as is_bounded,
        case when indicator.is_share then 0 else spread.least_ratio end as least_ratio,
        case when indicator.is_share then 1 else spread.greatest_ratio end as greatest_ratio
    from {{ ref('ind_value') }} as value
    inner join indicator using (indicator_code)
    inner join counted
        on value.indicator_code = counted.indicator_code
        and value.period_year = counted.period_year
        and value.region_code = counted.region_code
    left join persons
        on value.indicator_code = persons.indicator_code
        and value.period_year = persons.period_year
        and value.region_code = persons.region_code
    left join reports
        on value.indicator_code = reports.indicator_code
        and value.period_year = reports.period_year
        and value.region_code = reports.region_code
    left join spread
        on value.indicator_code = spread.indicator_code
        and value.period_year = spread.period_year
    -- The bounds hold the numbers of the schools in doubt: told only where schools are published.
    left join {{ ref('int_suppression__indicators') }} as level
        on value.indicator_code = level.indicator_code
        and value.period_year = level.period_year
    where coalesce(level.is_unit_open, true)
        and value.breakdown = 'all' and value.region_level in ('city', 'county')
),

bounded as (
    select
        *,
        case
            when not is_bounded then null
            when is_sum then value
            else scale * (numerator + size * coalesce(least_ratio, 0))
                / nullif(denominator + size + both_sides + denominator_only, 0)
        end as value_low,
        case
            when not is_bounded then null
            when is_sum then value + scale * (both_sides + numerator_only + reporters)
            else scale * (numerator + size * coalesce(greatest_ratio, 0) + both_sides + numerator_only)
                / nullif(denominator + size + both_sides, 0)
        end as value_high
    from joined
)

select
    indicator_code::text as indicator_code,
    region_level::text as region_level,
    region_code::text as region_code,
    region_code::text as county_code,
    period::text as period,
    period_year::int as period_year,
    row_count::int as quarantined_rows,
    reporters::int as schools_in_doubt,
    value::numeric(28, 10) as value,
    case when is_bounded then least(value, value_low) end::numeric(28, 10) as value_low,
    case when is_bounded then greatest(value, value_high) end::numeric(28, 10) as value_high,
    case when is_bounded then greatest(value - value_low, value_high - value, 0) end::numeric(28, 10)
        as change_at_most
from bounded
