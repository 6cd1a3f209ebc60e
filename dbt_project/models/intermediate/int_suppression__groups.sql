{#- Grain: disclosive measure: the group it is levelled with. Measures that meet in an indicator, or
    over a chain of indicators, tell of each other: they open and close together. -#}
with recursive

used as (
    select distinct basis.indicator_code, term.measure_code
    from {{ ref('int_suppression__terms') }} as basis
    inner join {{ ref('int_indicator__terms') }} as term on basis.term_code = term.indicator_code
    inner join {{ ref('measure') }} as measure using (measure_code)
    where measure.is_disclosive
),

link as (
    select measure_code, measure_code as other_code from {{ ref('measure') }}
    where is_disclosive
    union
    select one.measure_code, other.measure_code as other_code
    from used as one
    inner join used as other using (indicator_code)
),

reach as (
    select measure_code, other_code from link
    union
    select reach.measure_code, link.other_code
    from reach
    inner join link on reach.other_code = link.measure_code
)

select measure_code, min(other_code) as group_code
from reach
group by 1
