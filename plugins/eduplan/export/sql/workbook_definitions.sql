select
    action_name_zh, indicator_code, indicator_name_zh, unit_label, direction_label, definition_zh,
    note_zh, source_system, source_document
from bi.indicator
where parent_code is null
order by sort_order, indicator_code collate "C"
