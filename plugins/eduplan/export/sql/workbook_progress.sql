-- One row per indicator and region: the period that starts in the year asked for, else the latest.
select distinct on (p.sort_order, p.indicator_code, p.region_code)
    p.action_name_zh,
    p.indicator_code,
    p.indicator_name_zh,
    p.unit_label,
    p.decimals,
    p.region_code,
    p.region_name,
    p.region_sort_order,
    p.period,
    p.baseline_value,
    p.target_2025,
    p.target_2026,
    p.target_2027,
    p.band_low,
    p.band_high,
    p.value,
    p.trajectory_value,
    p.distance,
    p.progress_pct,
    p.status_code,
    p.status_label,
    p.coverage_pct,
    p.no_data_reason
from bi.indicator_progress as p
where p.plan_version = %(plan)s
    and case when %(year)s::int is null then p.is_latest else p.period_year = %(year)s end
order by p.sort_order, p.indicator_code, p.region_code, p.period_year desc
