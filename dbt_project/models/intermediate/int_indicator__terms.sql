{#- The registry's terms as rows. A term is `measure@stage`, or `measure@stage[-8]` for the value of
    eight periods before; terms are joined by ` + `. -#}
with

side as (
    select indicator_code, 'numerator' as side, numerator_terms as terms from {{ ref('indicator') }}
    where numerator_terms is not null
    union all
    select indicator_code, 'denominator' as side, denominator_terms as terms from {{ ref('indicator') }}
    where denominator_terms is not null
),

parsed as (
    select
        side.indicator_code,
        side.side,
        term.term,
        regexp_match(term.term, '^([a-z0-9_]+)@([a-z]+)(?:\[-(\d+)\])?$') as part
    from side
    cross join lateral string_to_table(replace(side.terms, ' ', ''), '+') as term (term)
)

select
    indicator_code,
    side,
    term,
    part[1] as measure_code,
    part[2] as stage,
    coalesce(part[3], '0')::int as periods_back
from parsed
