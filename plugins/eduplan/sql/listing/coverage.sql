-- How much of what is due has come, counted to a day; the latest period that is due of each
-- dataset. Parameters: dataset, period, county (null: any; without a county the whole city).
select
    dataset, dataset_name as name, period, county_name as county, due_on,
    units_expected as expected, units_on_time as on_time, units_late as late,
    units_missing as missing, units_pct as pct,
    schools_expected as schools, schools_reported as reported, schools_pct
from marts.qa_report_coverage as c
where (%(dataset)s::text is null or dataset = %(dataset)s)
    and case
        when %(period)s::text is not null then period = %(period)s
        else due_on = (
            select max(due_on) from marts.qa_report_coverage as latest
            where latest.dataset = c.dataset and latest.due_on <= latest.as_of
        )
    end
    and case
        when %(county)s::text is not null then %(county)s in (county_code, county_name)
        when %(dataset)s::text is not null then true
        else county_code = (select region_code from ref.region where region_level = 'city')
    end
order by schools_pct nulls last, pct, dataset, county_code
