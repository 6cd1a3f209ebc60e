select
    revision_number,
    revised_at,
    value_before,
    value,
    value_change,
    numerator_before,
    numerator,
    denominator_before,
    denominator,
    cause,
    added_batch_ids,
    removed_batch_ids,
    cause_zh
from marts.ind_revision
where indicator_code = %(code)s and region_code = %(region)s and period = %(period)s
    and breakdown = 'all'
order by revision_number desc
