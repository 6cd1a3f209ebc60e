-- The city's value to expect in the plan's final year, or why none is made.
select indicator_code, projected_value, interval_low, interval_high, point_count, first_year,
    last_year, is_clipped, outlook, no_projection_reason
from marts.ind_projection
where plan_version = %(plan_version)s and region_level = 'city'
order by indicator_code
