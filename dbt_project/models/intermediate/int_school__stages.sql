-- Grain: school x school year x stage taught: the units that are expected to report.
with

school as (
    select * from {{ ref('int_school__years') }}
    where is_open
)

select
    school.school_code,
    school.period_year,
    stage.stage,
    school.county_code,
    school.location_county_code,
    school.urban_rural,
    school.ownership,
    school.is_teaching_point,
    school.is_assessed_type
from school
cross join unnest(school.stages) as stage (stage)
