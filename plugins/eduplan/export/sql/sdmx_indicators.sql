select
    indicator_code, indicator_name_en, indicator_name_zh, parent_code, unit, unit_label, decimals,
    period_kind
from bi.indicator
order by sort_order, indicator_code collate "C"
