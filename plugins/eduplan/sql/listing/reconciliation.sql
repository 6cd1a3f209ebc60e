-- Differences between sources; parameters: code, period, all (also those within tolerance).
select
    code, name_zh, unit_code, unit_name, period, left_value, comparison, right_value, difference,
    difference_pct, severity, status, action_zh
from marts.qa_reconciliation
where (%(all)s or status <> 'ok')
    and (%(code)s::text is null or code = %(code)s)
    and period = coalesce(
        %(period)s,
        case length(period)
            when 4 then (select max(period) from marts.qa_reconciliation where length(period) = 4)
            else (select max(period) from marts.qa_reconciliation where length(period) > 4)
        end
    )
order by
    array_position(array['error', 'warning', 'info'], severity),
    code, status, abs(difference) desc nulls last, unit_code
