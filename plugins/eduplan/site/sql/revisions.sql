-- Published values of the city and its counties that changed, newest first.
select indicator_code, region_code, period, revised_at, value_before, value, value_change, cause,
    added_batch_ids, removed_batch_ids
from marts.ind_revision
where breakdown = 'all' and region_level <> 'school'
order by revised_at desc, indicator_code, region_code, period, revision_number desc
