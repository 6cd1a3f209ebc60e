-- Who of a county reported, dataset by dataset, in the newest period that is due.
select distinct on (county_code, dataset)
    county_code, dataset, period, due_on, units_expected, units_on_time, units_late, units_missing,
    schools_expected, schools_reported, schools_pct
from marts.qa_report_coverage
where due_on <= as_of and county_code is not null
order by county_code, dataset, due_on desc, period desc
