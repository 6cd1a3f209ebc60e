-- The city's value to expect in the plan's final year.
select indicator_code, projected_value, interval_low, interval_high, point_count, outlook
from marts.ind_projection
where plan_version = %(plan_version)s and region_level = 'city' and projected_value is not null
