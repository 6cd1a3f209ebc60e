-- What each version of the plan asks of the city and says of its newest value.
select
    p.indicator_code,
    p.plan_version,
    p.plan_name_zh,
    v.plan_name_en,
    p.is_demonstration,
    p.status,
    p.baseline_value,
    p.baseline_year,
    p.target_2025,
    p.target_2026,
    p.target_2027,
    p.band_low,
    p.band_high,
    p.trajectory_value,
    t.source_document
from marts.ind_progress as p
inner join unnest(%(codes)s::text[], %(periods)s::text[]) as latest (indicator_code, period)
    on p.indicator_code = latest.indicator_code and p.period = latest.period
inner join ref.plan_version as v on p.plan_version = v.plan_version
left join ref.target as t
    on p.plan_version = t.plan_version
    and p.indicator_code = t.indicator_code
    and p.region_code = t.region_code
where p.region_level = 'city'
order by p.indicator_code, p.is_demonstration, p.plan_version
