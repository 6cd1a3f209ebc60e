select
    plan_version,
    plan_name_zh,
    is_demonstration,
    status,
    status_label_zh,
    baseline_value,
    trajectory_value,
    distance,
    target_2027,
    band_low,
    band_high
from marts.ind_progress
where indicator_code = %(code)s and region_code = %(region)s and period = %(period)s
order by is_demonstration, plan_version
