-- Deliveries behind the newest value, by dataset and period.
select
    b.indicator_code,
    b.dataset,
    b.batch_period,
    array_agg(b.batch_id order by b.batch_id) as batch_ids,
    max(b.published_at) as published_at,
    sum(b.file_count)::bigint as file_count,
    sum(b.accepted_count)::bigint as accepted_count,
    sum(b.quarantined_count)::bigint as quarantined_count
from marts.ind_batch as b
inner join unnest(%(codes)s::text[], %(periods)s::text[]) as latest (indicator_code, period)
    on b.indicator_code = latest.indicator_code and b.period = latest.period
group by b.indicator_code, b.dataset, b.batch_period
order by b.indicator_code, b.dataset, b.batch_period desc
