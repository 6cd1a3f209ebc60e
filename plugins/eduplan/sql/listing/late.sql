-- The late register, counted to the session's eduplan.today. Parameters: dataset, period, county,
-- unit (null: any), status (null: late or missing), limit.
select
    dataset, dataset_name as name, period, unit_level as level, unit_code as unit, unit_name,
    county_name as county, due_on, received_on, refused_on, status,
    days_late,
    count(*) over () as total
from marts.qa_late_register
where (%(dataset)s::text is null or dataset = %(dataset)s)
    and (%(period)s::text is null or period = %(period)s)
    and (%(county)s::text is null or %(county)s in (county_code, county_name))
    and (%(unit)s::text is null or unit_code = %(unit)s)
    and case
        when %(status)s::text is not null then status = %(status)s
        else status in ('late', 'missing')
    end
order by status = 'missing' desc, days_late desc, dataset, period, unit_code
limit %(limit)s
