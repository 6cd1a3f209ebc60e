-- What moves the city's newest value most: leave it out and the value changes by its influence.
select c.indicator_code, c.influence_rank, c.contributor_level, c.contributor_code,
    c.contributor_name, c.numerator, c.denominator, c.contributor_value,
    c.contributor_value_before, c.influence
from marts.ind_contribution as c
inner join unnest(%(codes)s::text[], %(periods)s::text[]) as latest (indicator_code, period)
    on c.indicator_code = latest.indicator_code and c.period = latest.period
where c.region_level = 'city'
order by c.indicator_code, c.influence_rank
