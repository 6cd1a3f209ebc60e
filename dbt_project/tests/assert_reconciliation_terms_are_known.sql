-- A failure means: seeds/reconciliation.csv names a measure or stage that does not exist, a term that
-- cannot be read, or compares a fiscal with a school year outside `calendar`.
with term as (
    select
        reconciliation.code,
        reconciliation.period_kind,
        regexp_match(term.term, '^(?:-?\d+(?:\.\d+)?\*)?([a-z0-9_]+)@([a-z]+)$') as part
    from {{ ref('reconciliation') }} as reconciliation
    cross join lateral string_to_table(
        replace(reconciliation.left_terms || '+' || reconciliation.right_terms, ' ', ''), '+'
    ) as term (term)
)

select term.code, term.part
from term
left join {{ ref('measure') }} as measure on term.part[1] = measure.measure_code
left join {{ ref('stage') }} as stage on term.part[2] = stage.stage
where measure.measure_code is null
    or stage.stage is null
    or (term.period_kind <> 'calendar' and measure.period_kind <> term.period_kind)
