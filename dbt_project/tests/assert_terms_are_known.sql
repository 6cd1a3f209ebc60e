-- A failure means: seeds/indicator.csv names a measure, stage or indicator that does not exist, a
-- term that cannot be read, or mixes fiscal and school years (average the pupils instead).
select term.indicator_code, term.term
from {{ ref('int_indicator__terms') }} as term
inner join {{ ref('indicator') }} as indicator using (indicator_code)
left join {{ ref('measure') }} as measure on term.measure_code = measure.measure_code
left join {{ ref('stage') }} as stage on term.stage = stage.stage
where measure.measure_code is null
    or stage.stage is null
    or measure.period_kind <> indicator.period_kind
union all
select indicator.indicator_code, base.code
from {{ ref('indicator') }} as indicator
cross join lateral unnest(string_to_array(indicator.base_indicators, '|')) as base (code)
left join {{ ref('indicator') }} as found on base.code = found.indicator_code
where found.indicator_code is null
