select quarantined_rows, schools_in_doubt, value_low, value_high, change_at_most
from marts.ind_exposure
where indicator_code = %(code)s and region_code = %(region)s and period = %(period)s
