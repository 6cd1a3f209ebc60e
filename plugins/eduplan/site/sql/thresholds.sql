-- National standards, by stage where they differ.
select t.indicator_code, t.stage, s.stage_name_zh, s.stage_name_en, t.threshold_op, t.threshold_value,
    t.source_document
from ref.threshold as t
inner join marts.dim_stage as s on t.stage = s.stage
where t.threshold_value is not null
order by t.indicator_code, s.sort_order
