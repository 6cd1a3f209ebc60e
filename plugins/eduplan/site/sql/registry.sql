-- The registry's own words on every indicator and on what it is made of.
select
    indicator_code,
    parent_code,
    indicator_name_zh,
    indicator_name_en,
    unit,
    direction,
    kind,
    scale,
    numerator_terms,
    denominator_terms,
    base_indicators,
    min_met,
    floor_pct,
    numerator_zh,
    denominator_zh,
    definition_zh,
    note_zh,
    source_system,
    source_document,
    confidence,
    periodicity,
    decimals
from ref.indicator
order by sort_order, indicator_code
