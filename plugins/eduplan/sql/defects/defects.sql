-- One line for each rule that a row failed, and who is told: the school that the file is named by,
-- else the county that the file is named by, else the school that sent the row, else the office that
-- is responsible for the dataset. Severity info is nobody's work.
create temporary table defect on commit drop as
select
    coalesce(own.school_code, county.county_code, reporter.school_code, d.owner) as sender_code,
    case
        when own.school_code is not null then own.school_name
        when county.is_city_run then '市教育局市直学校'
        when county.county_code is not null then county.county_name || '教育局'
        when reporter.school_code is not null then reporter.school_name
        else d.owner
    end as sender_name,
    a.dataset, a.period, coalesce(a.path, '') as path, a.sheet, a.row_no, a.state, u.rule_id,
    coalesce(r.severity, 'critical') as severity,
    coalesce(a.reasons[u.place], '') as reason,
    shown.columns,
    array(select a.payload ->> s.name from unnest(shown.columns) with ordinality as s (name, place) order by s.place)
        as "values"
from accused a
join defect_dataset d using (dataset)
cross join unnest(a.rules) with ordinality as u (rule_id, place)
left join defect_rule r on r.dataset = a.dataset and r.rule_id = u.rule_id
cross join lateral (
    select case when a.payload ? '_line' then array['_line'] else coalesce(r.columns, '{}') end as columns
) as shown
cross join lateral (select regexp_replace(coalesce(a.path, ''), '^.*/', '') as name) as file
left join defect_school own on own.school_code = substring(file.name from '^([0-9]{10})_')
left join ref_data.county county on county.county_code = substring(file.name from '^([0-9]{6})_')
left join defect_school reporter on reporter.school_code = edu.clean(a.payload ->> d.reporter)
where coalesce(r.severity, 'critical') <> 'info'
