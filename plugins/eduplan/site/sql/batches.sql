-- Deliveries behind the newest value, by dataset and period. Where the quality marts keep the length
-- of a list of persons to themselves (it could tell a hidden count), so do these rows.
with kept as (
    select dataset
    from marts.qa_pass_rate
    group by dataset
    having bool_or(checked_count is null)
)

select
    b.indicator_code,
    b.dataset,
    b.batch_period,
    array_agg(b.batch_id order by b.batch_id) as batch_ids,
    max(b.published_at) as published_at,
    sum(b.file_count)::bigint as file_count,
    case when kept.dataset is null then sum(b.accepted_count)::bigint end as accepted_count,
    case when kept.dataset is null then sum(b.quarantined_count)::bigint end as quarantined_count
from marts.ind_batch as b
inner join unnest(%(codes)s::text[], %(periods)s::text[]) as latest (indicator_code, period)
    on b.indicator_code = latest.indicator_code and b.period = latest.period
left join kept on b.dataset = kept.dataset
group by b.indicator_code, b.dataset, b.batch_period, kept.dataset
order by b.indicator_code, b.dataset, b.batch_period desc
