-- Indicators of a plan for one region, each in its latest period unless one is named.
-- Parameters: plan; region (code or name, null: the city), period, code (null: any).
with matching as (
    select
        *,
        max(period) over (partition by indicator_code, region_code) as latest_period
    from marts.ind_progress
    where plan_version = %(plan)s
        and (
            region_code = %(region)s or region_name = %(region)s
            or (%(region)s::text is null and region_level = 'city')
        )
        and (%(code)s::text is null or indicator_code = %(code)s)
)
select
    indicator_code, indicator_name_zh, region_name, period, value, unit, numerator, denominator,
    target_2027,
    trajectory_value, distance, progress_pct, status, coverage_pct, no_data_reason
from matching
where period is not distinct from coalesce(%(period)s::text, latest_period)
order by indicator_code, region_code
