{#- Grain: indicator x period x school x stage: does this unit meet the set of thresholds?
    Units without all values of the set are not judged. -#}
with

indicator as (
    select
        indicator_code,
        string_to_array(base_indicators, '|') as bases,
        min_met,
        coalesce(floor_pct, 0) as floor_pct
    from {{ ref('indicator') }}
    where kind = 'attainment' and is_computed
),

base as (
    select indicator.indicator_code, indicator.min_met, indicator.floor_pct, base.base_code
    from indicator
    cross join unnest(indicator.bases) as base (base_code)
),

school as (
    select school_code, period_year, planned_year from {{ ref('int_school__years') }}
),

measured as (
    select
        base.indicator_code,
        base.min_met,
        base.floor_pct,
        unit.period_year,
        unit.stage,
        unit.county_code,
        unit.unit_code,
        base.base_code,
        registry.scale * unit.numerator / nullif(unit.denominator, 0) as value,
        threshold.threshold_value * case
            -- Premises planned before the 2017 standard are held to the part of it that applied.
            when school.planned_year < 2017 then coalesce(threshold.scale_before_2017, 1)
            else 1
        end as threshold_value
    from base
    inner join {{ ref('int_indicator__units') }} as unit
        on base.base_code = unit.indicator_code and unit.unit_level = 'school' and unit.is_complete
        and unit.sex = 'total'
    inner join {{ ref('indicator') }} as registry on base.base_code = registry.indicator_code
    inner join {{ ref('threshold') }} as threshold
        on base.base_code = threshold.indicator_code and threshold.stage = 'all'
    left join school on unit.unit_code = school.school_code and unit.period_year = school.period_year
    inner join {{ ref('int_indicator__assessed') }} as assessed
        on unit.unit_code = assessed.school_code
        and unit.period_year = assessed.period_year
        and unit.stage = assessed.stage
),

-- How many values of the set a unit of this stage must have.
needed as (
    select base.indicator_code, registry.stage, count(*) as base_count
    from base
    inner join {{ ref('indicator') }} as registry on base.base_code = registry.indicator_code
    group by 1, 2
),

judged as (
    select
        measured.indicator_code,
        measured.period_year,
        measured.stage,
        measured.county_code,
        measured.unit_code,
        count(*) filter (where measured.value >= measured.threshold_value) as met_count,
        count(*) filter (
            where measured.value >= measured.threshold_value * measured.floor_pct / 100
        ) as floor_count,
        count(measured.value) as value_count,
        max(measured.min_met) as min_met
    from measured
    group by 1, 2, 3, 4, 5
)

select
    judged.indicator_code,
    judged.period_year,
    judged.stage,
    judged.county_code,
    judged.unit_code,
    (
        judged.met_count >= judged.min_met and judged.floor_count = needed.base_count
    )::int as numerator,
    1 as denominator,
    judged.met_count,
    judged.floor_count
from judged
inner join needed using (indicator_code, stage)
where judged.value_count = needed.base_count
