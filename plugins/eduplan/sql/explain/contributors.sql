select
    influence_rank,
    contributor_level,
    contributor_code,
    contributor_name,
    numerator,
    denominator,
    contributor_value,
    contributor_value_before,
    influence
from marts.ind_contribution
where indicator_code = %(code)s and region_code = %(region)s and period = %(period)s
order by influence_rank
