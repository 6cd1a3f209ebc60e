-- Parts of the city's newest value: stage, place, ownership, sex.
select v.indicator_code, v.breakdown, v.breakdown_value, v.value, v.numerator, v.denominator,
    v.coverage_pct, v.is_suppressed
from marts.ind_value as v
inner join unnest(%(codes)s::text[], %(periods)s::text[]) as latest (indicator_code, period)
    on v.indicator_code = latest.indicator_code and v.period = latest.period
where v.region_level = 'city' and v.breakdown <> 'all'
order by
    v.indicator_code,
    array_position(array['stage', 'urban_rural', 'ownership', 'sex'], v.breakdown),
    array_position(
        array[
            'preschool', 'primary', 'junior', 'senior', 'vocational', 'special',
            'urban', 'town', 'rural', 'public', 'private', 'female', 'male'
        ],
        v.breakdown_value
    ),
    v.breakdown_value
