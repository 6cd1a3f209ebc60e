-- Share of row checks passed by region and dimension of GB/T 36344; the dimension '' sums up all.
-- Datasets whose row counts are hidden take no part. No parameters.
select
    region_level,
    region_code,
    min(region_name) as region_name,
    coalesce(gb_dimension, '') as dimension,
    sum(checked_count)::bigint as checked,
    sum(failed_count)::bigint as failed
from marts.qa_pass_rate
where checked_count is not null
group by grouping sets ((region_level, region_code, gb_dimension), (region_level, region_code))
order by region_level, region_code
