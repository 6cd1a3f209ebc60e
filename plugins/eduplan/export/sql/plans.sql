select distinct plan_version, plan_name_zh, is_demonstration
from bi.indicator_progress
order by plan_version
