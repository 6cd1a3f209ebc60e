-- Rules that rows of a county failed, the most failures first.
select region_code as county_code, dataset, rule_id, rule_zh, severity, checked_count, failed_count,
    pass_pct
from marts.qa_pass_rate
where region_level = 'county' and failed_count > 0
order by region_code, failed_count desc, dataset, rule_id
