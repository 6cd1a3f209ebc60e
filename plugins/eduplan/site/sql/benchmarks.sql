-- Published figures of the same definition, with the city's value of the same year.
select b.indicator_code, b.stage, s.stage_name_zh, s.stage_name_en, b.area, b.period_year, b.value,
    b.city_value, b.difference, b.published_name_zh, b.source_document, b.confidence
from marts.ind_benchmark as b
inner join marts.dim_stage as s on b.stage = s.stage
order by b.indicator_code, s.sort_order, b.area = '全国' desc, b.area, b.period_year desc
