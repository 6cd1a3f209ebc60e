-- The plan and the region that the form is about.
select p.plan_name_zh, p.baseline_year, r.region_name
from bi.indicator_progress as p
cross join bi.region as r
where p.plan_version = %(plan)s and r.region_code = %(region)s
limit 1
