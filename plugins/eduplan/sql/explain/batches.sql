select batch_id, dataset, batch_period, published_at, file_count, accepted_count, quarantined_count
from marts.ind_batch
where indicator_code = %(code)s and period = %(period)s
order by quarantined_count desc, dataset, batch_period desc, batch_id
