-- What quarantined rows leave open in the newest values.
select e.indicator_code, e.region_code, e.quarantined_rows, e.schools_in_doubt, e.value_low,
    e.value_high, e.change_at_most
from marts.ind_exposure as e
inner join unnest(%(codes)s::text[], %(periods)s::text[]) as latest (indicator_code, period)
    on e.indicator_code = latest.indicator_code and e.period = latest.period
order by e.indicator_code, e.region_code
