-- A failure means: a target row contradicts the direction of its indicator, or a band is incomplete.
select target.plan_version, target.indicator_code
from {{ ref('target') }} as target
inner join {{ ref('indicator') }} as indicator using (indicator_code)
where (indicator.direction = 'higher_better' and target.target_2027 < target.baseline_value)
    or (indicator.direction = 'lower_better' and target.target_2027 > target.baseline_value)
    or (target.band_low is null) <> (target.band_high is null)
    or target.band_low > target.band_high
