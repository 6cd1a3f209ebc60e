-- The newest published figure of each area, and the city's value of the same part of the indicator.
select b.indicator_code, b.stage, s.stage_name_zh, s.stage_name_en, b.area, b.period_year, b.value,
    b.city_value
from marts.ind_benchmark as b
inner join marts.dim_stage as s on b.stage = s.stage
where b.is_latest
order by b.indicator_code, s.sort_order, b.area = '全国' desc, b.area
