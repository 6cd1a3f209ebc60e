{#- Grain: day. What MetricFlow joins to where a metric is asked for by time. -#}
select day::date as day
from generate_series('2010-01-01'::date, '2035-12-31'::date, interval '1 day') as day
