-- Pairs of sources that differ beyond tolerance in their newest period.
with newest as (
    select code, max(period_year) as period_year from marts.qa_reconciliation group by code
)

select
    r.code as key,
    r.code,
    r.name_zh,
    max(r.period) as period,
    case max(r.severity) when 'error' then 'critical' else max(r.severity) end as severity,
    count(*) as magnitude,
    count(*) filter (where r.status = 'one_side_missing') as missing,
    max(r.action_zh) as action_zh,
    (array_agg(
        r.unit_name || case r.status
            when 'one_side_missing' then ' 缺一方数据'
            else coalesce(' 相差 ' || round(r.difference, 1), ' 超出容差')
        end
        order by abs(r.difference) desc nulls last, r.unit_code
    ))[:5] as lines,
    greatest(count(*) - 5, 0) as more
from marts.qa_reconciliation r
join newest using (code, period_year)
where r.status <> 'ok'
group by r.code, r.name_zh
