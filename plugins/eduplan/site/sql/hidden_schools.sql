-- How many schools of the newest period have a value that is not shown.
select v.indicator_code, count(*)::int as hidden
from marts.ind_value as v
inner join unnest(%(codes)s::text[], %(periods)s::text[]) as latest (indicator_code, period)
    on v.indicator_code = latest.indicator_code and v.period = latest.period
where v.region_level = 'school' and v.breakdown = 'all' and v.is_suppressed
group by v.indicator_code
order by v.indicator_code
