-- Indicators of the plan that are off their trajectory for the city in their newest period with a
-- value; parts of an indicator (those with a parent) are left to it.
select distinct on (p.indicator_code)
    p.indicator_code as key,
    p.indicator_name_zh,
    p.period,
    p.region_code as region,
    array[p.indicator_code] as indicators,
    'warning' as severity,
    coalesce(abs(p.distance_pct), abs(p.distance), 1) as magnitude,
    '现值 ' || round(p.value, 2) || coalesce(' ' || nullif(p.unit, 'ratio'), '')
        || coalesce(
            '，本期应达 ' || round(p.trajectory_value, 2) || coalesce(' ' || nullif(p.unit, 'ratio'), ''), ''
        )
        || case when p.is_demonstration then '（演示目标，虚构）' else '' end as detail
from marts.ind_progress p
where p.plan_version = %(plan)s
    and p.region_level = 'city'
    and p.value is not null
    and (p.indicator_code, p.period_year) in (
        select indicator_code, max(period_year)
        from marts.ind_progress
        where plan_version = %(plan)s and region_level = 'city' and value is not null
        group by indicator_code
    )
    and p.status = 'off_track'
    and not exists (
        select from ref.indicator i
        where i.indicator_code = p.indicator_code and i.parent_code is not null
    )
order by p.indicator_code
