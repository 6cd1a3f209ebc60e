-- Parts of an indicator (seven dispersions, three floor areas): the city's latest value of each.
select distinct on (part.indicator_code)
    part.parent_code,
    part.indicator_code,
    part.indicator_name_zh,
    part.indicator_name_en,
    part.unit,
    v.value,
    case limits.threshold_op
        when '>=' then v.value >= limits.threshold_value::numeric
        when '<=' then v.value <= limits.threshold_value::numeric
    end as threshold_met
from ref.indicator as part
inner join marts.ind_value as v on part.indicator_code = v.indicator_code
left join ref.threshold as limits
    on part.indicator_code = limits.indicator_code and limits.stage = 'all'
where
    part.parent_code is not null
    and v.region_level = 'city'
    and v.breakdown = 'all'
    and v.value is not null
order by part.indicator_code, v.period_year desc
