-- Counties and city-run areas that stand in the late register. No parameters.
select distinct county_code, county_name from marts.qa_late_register
where county_name is not null order by county_code
