{#- Grain: indicator x side x period x reporter x stage x sex: the measures an indicator is made of.
    A term of earlier periods is moved to the period it is compared in. -#}
with

indicator as (
    select
        indicator_code,
        kind,
        region_basis,
        period_kind,
        coalesce(breakdowns, '') like '%stage%' as has_stages,
        coalesce(breakdowns, '') like '%sex%' as has_sexes,
        coalesce(stage, 'all') as stage
    from {{ ref('indicator') }}
    where is_computed and numerator_terms is not null
)

select
    indicator.indicator_code,
    term.side,
    fact.period_year + term.periods_back as period_year,
    case when indicator.has_stages then fact.stage else indicator.stage end as stage,
    case when indicator.region_basis = 'location' then fact.location_county_code else fact.county_code end
        as county_code,
    fact.reporter_code,
    fact.reporter_level,
    fact.sex,
    sum(fact.value) as value
from indicator
inner join {{ ref('int_indicator__terms') }} as term using (indicator_code)
inner join {{ ref('int_school__measures') }} as fact
    on term.measure_code = fact.measure_code
    and term.stage = fact.stage
    and indicator.period_kind = fact.period_kind
where fact.sex = 'total' or indicator.has_sexes
group by 1, 2, 3, 4, 5, 6, 7, 8
