-- A failure means: a small count of persons with a disclosive property, or of those without it,
-- stands in marts. Nothing may be published from this build; see docs/adr/0013-small-cells.md.
with

term as (
    select
        term.indicator_code,
        term.side,
        bool_or(measure.is_disclosive) as is_disclosive
    from {{ ref('int_indicator__terms') }} as term
    inner join {{ ref('measure') }} as measure using (measure_code)
    group by 1, 2
),

side as (
    select
        value.indicator_code,
        value.region_code,
        value.period,
        case term.side when 'numerator' then value.numerator else value.denominator end as persons
    from {{ ref('ind_value') }} as value
    inner join {{ ref('indicator') }} as indicator using (indicator_code)
    inner join term using (indicator_code)
    where term.is_disclosive and indicator.kind <> 'growth'
    union all
    select
        value.indicator_code,
        value.region_code,
        value.period,
        value.denominator - value.numerator as persons
    from {{ ref('ind_value') }} as value
    inner join {{ ref('indicator') }} as indicator using (indicator_code)
    inner join term on value.indicator_code = term.indicator_code and term.side = 'numerator'
    where term.is_disclosive and indicator.unit = '%' and indicator.kind = 'ratio'
    union all
    select fact.measure_code, fact.reporter_code, fact.period, fact.value
    from {{ ref('fct_school_measure') }} as fact
    inner join {{ ref('measure') }} as measure using (measure_code)
    where measure.is_disclosive
)

select * from side
where persons > 0 and persons < {{ var('suppression_threshold') }}
