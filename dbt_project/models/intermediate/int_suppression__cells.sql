{#-
  Grain: group x period x cell x sex x reporter x stage: every count of persons that suppression
  protects (docs/adr/0013-small-cells.md): the disclosive measures, and the complements of shares
  (denominator - numerator). Empty when the threshold is 0.

  `class` names the published sums a reporter's stage takes part in: two indicators that leave out
  different schools can be subtracted from each other, so only schools of one class hide together.
  A row without class takes part in none.
-#}
with

indicator as (
    select
        indicator_code,
        period_kind,
        region_basis,
        coalesce(breakdowns, '') like '%stage%' as has_stages,
        coalesce(stage, 'all') as stage,
        (kind = 'growth')::int as years_more,
        -- A cohort is no share: who moved is in one side only.
        kind = 'ratio' and unit = '%' as is_share
    from {{ ref('indicator') }}
    where is_computed
),

measure as (
    select measure.measure_code, measure.is_disclosive, suppression.group_code
    from {{ ref('measure') }} as measure
    left join {{ ref('int_suppression__groups') }} as suppression using (measure_code)
),

term as (
    select term.*, measure.group_code
    from {{ ref('int_indicator__terms') }} as term
    inner join measure using (measure_code)
    where measure.is_disclosive
),

fact as (
    select measure.group_code, fact.*
    from {{ ref('int_school__measures') }} as fact
    inner join measure using (measure_code)
    where measure.is_disclosive and {{ var('suppression_threshold') }} > 0
),

unit as (
    select
        unit.indicator_code, unit.period_year, unit.stage, unit.sex, unit.county_code,
        unit.unit_code, unit.unit_level, unit.numerator, unit.denominator
    from {{ ref('int_indicator__units') }} as unit
    where unit.is_complete
        and {{ var('suppression_threshold') }} > 0
        and unit.indicator_code in (select indicator_code from term)
),

contribution as (
    select
        fact.group_code,
        fact.period_year,
        fact.reporter_code,
        fact.stage,
        fact.county_code,
        fact.location_county_code,
        unit.indicator_code,
        unit.period_year as unit_period_year,
        unit.stage as unit_stage,
        unit.unit_code,
        concat_ws(' ', term.indicator_code, term.side, unit.period_year, fact.measure_code, fact.sex)
            as label
    from fact
    inner join term on fact.measure_code = term.measure_code and fact.stage = term.stage
    inner join indicator
        on term.indicator_code = indicator.indicator_code
        and fact.period_kind = indicator.period_kind
    cross join lateral generate_series(0, indicator.years_more) as later (years)
    cross join lateral (values (fact.reporter_code), (fact.county_code)) as key (unit_code)
    inner join unit
        on term.indicator_code = unit.indicator_code
        and fact.period_year + term.periods_back + later.years = unit.period_year
        and case when indicator.has_stages then fact.stage else indicator.stage end = unit.stage
        and fact.sex = unit.sex
        and case
            when indicator.region_basis = 'location' then fact.location_county_code
            else fact.county_code
        end = unit.county_code
        and key.unit_code = unit.unit_code
),

class as (
    select
        group_code,
        period_year,
        reporter_code,
        stage,
        md5(string_agg(distinct label, ',' order by label)) as class
    from contribution
    group by 1, 2, 3, 4
),

unit_class as (
    select
        contribution.indicator_code,
        contribution.unit_period_year as period_year,
        contribution.unit_stage as stage,
        contribution.unit_code,
        max(contribution.location_county_code) as location_county_code,
        md5(string_agg(distinct class.class, ',' order by class.class)) as class
    from contribution
    inner join class using (group_code, period_year, reporter_code, stage)
    group by 1, 2, 3, 4
),

-- A share of which the denominator is known school by school tells everything when it is 100 %.
share as (
    select
        indicator.indicator_code,
        max(measure.group_code) as group_code,
        bool_or(term.side = 'denominator' and not measure.is_disclosive) as is_denominator_known
    from indicator
    inner join {{ ref('int_indicator__terms') }} as term using (indicator_code)
    inner join measure using (measure_code)
    where indicator.is_share
    group by 1
    having bool_or(term.side = 'numerator' and measure.is_disclosive)
),

cell as (
    select
        fact.group_code,
        fact.period_year,
        fact.measure_code as cell_code,
        fact.sex,
        fact.reporter_code,
        fact.stage,
        fact.county_code,
        fact.location_county_code,
        class.class,
        fact.value,
        null::numeric as known_numerator
    from fact
    left join class using (group_code, period_year, reporter_code, stage)
    union all
    select
        share.group_code,
        unit.period_year,
        unit.indicator_code as cell_code,
        unit.sex,
        unit.unit_code as reporter_code,
        unit.stage,
        unit.county_code,
        unit_class.location_county_code,
        coalesce(unit_class.class, '') as class,
        unit.denominator - unit.numerator as value,
        case when share.is_denominator_known then unit.numerator end as known_numerator
    from unit
    inner join share using (indicator_code)
    left join unit_class using (indicator_code, period_year, stage, unit_code)
)

select
    cell.group_code,
    cell.period_year,
    cell.cell_code,
    cell.sex,
    cell.reporter_code,
    cell.stage,
    concat(cell.county_code, '/', cell.location_county_code) as county,
    coalesce(school.urban_rural, '') as urban_rural,
    coalesce(school.ownership, '') as ownership,
    cell.class,
    cell.value,
    cell.known_numerator
from cell
left join {{ ref('int_school__years') }} as school
    on cell.reporter_code = school.school_code and cell.period_year = school.period_year
