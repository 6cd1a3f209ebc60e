{#- Grain: indicator x dataset x years before the indicator's period: the deliveries its values rest
    on. The school register places every school, so it is an input of all. -#}
with

registry as (
    select indicator_code, kind, base_indicators from {{ ref('indicator') }}
    where is_computed
),

-- An indicator built on others rests on what they rest on.
basis as (
    select indicator_code, kind, indicator_code as term_code from registry
    union
    select registry.indicator_code, registry.kind, base.code as term_code
    from registry
    cross join lateral unnest(string_to_array(registry.base_indicators, '|')) as base (code)
),

rested as (
    select
        basis.indicator_code,
        basis.kind,
        dataset.name as dataset,
        term.side,
        term.periods_back + back.years as years_back
    from basis
    inner join {{ ref('int_indicator__terms') }} as term on basis.term_code = term.indicator_code
    inner join {{ ref('measure') }} as measure using (measure_code)
    cross join lateral unnest(string_to_array(measure.datasets, ',')) as dataset (name)
    left join {{ ref('dataset_grain') }} as grain on dataset.name = grain.dataset
    cross join lateral generate_series(
        0, measure.years_back + case basis.kind when 'growth' then 1 else 0 end
    ) as back (years)
    where coalesce(grain.stage = term.stage, true)
),

final as (
    select indicator_code, dataset, side, years_back from rested
    union
    select indicator_code, 'school_register' as dataset, 'register' as side, years_back from rested
)

select
    indicator_code,
    dataset,
    years_back,
    bool_or(side = 'numerator') as is_in_numerator,
    bool_or(side = 'denominator') as is_in_denominator
from final
group by 1, 2, 3
