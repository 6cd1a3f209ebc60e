-- A failure means: a figure of seeds/benchmark.csv is in another unit than its indicator, or stands for
-- a stage the indicator is not split by.
select benchmark.indicator_code, benchmark.area, benchmark.period_year
from {{ ref('benchmark') }} as benchmark
inner join {{ ref('indicator') }} as indicator using (indicator_code)
where benchmark.unit <> indicator.unit
    or (
        benchmark.stage <> 'all'
        and not 'stage' = any(string_to_array(coalesce(indicator.breakdowns, ''), '|'))
    )
