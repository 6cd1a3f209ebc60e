{#-
  Grain: school code x version (SCD2 over school years): a new version starts when type, name,
  administration, organiser, place type or standing changes. A code that replaces another points to
  it; `lineage_code` is the first of the chain (int_school__lineage).
-#}
with

school as (
    select * from {{ ref('int_school__years') }}
),

marked as (
    select
        *,
        row(
            school_name, school_type_code, county_code, location_code, organiser_code,
            urban_rural_code, is_inclusive, closed_month
        )::text is distinct from lag(
            row(
                school_name, school_type_code, county_code, location_code, organiser_code,
                urban_rural_code, is_inclusive, closed_month
            )::text
        ) over (partition by school_code order by period_year) as is_changed
    from school
),

numbered as (
    select
        *,
        count(*) filter (where is_changed)
            over (partition by school_code order by period_year) as version_number
    from marked
),

version as (
    select
        school_code,
        version_number,
        min(period_year) as valid_from_year,
        max(period_year) as valid_to_year,
        max(school_name) as school_name,
        max(school_type_code) as school_type_code,
        max(county_code) as county_code,
        max(location_county_code) as location_county_code,
        max(location_code) as location_code,
        max(organiser_code) as organiser_code,
        max(ownership) as ownership,
        max(urban_rural_code) as urban_rural_code,
        max(urban_rural) as urban_rural,
        bool_or(is_inclusive) as is_inclusive,
        max(planned_year) as planned_year,
        max(founded_month) as founded_month,
        max(closed_month) as closed_month
    from numbered
    group by 1, 2
),

lineage as (
    select * from {{ ref('int_school__lineage') }}
),

newest as (
    select max(period_year) as period_year from school
)

select
    (version.school_code || '-' || version.version_number)::text as school_key,
    version.school_code::text as school_code,
    version.school_name::text as school_name,
    version.school_type_code::text as school_type_code,
    version.county_code::text as county_code,
    version.location_county_code::text as location_county_code,
    version.location_code::text as location_code,
    version.organiser_code::text as organiser_code,
    version.ownership::text as ownership,
    version.urban_rural_code::text as urban_rural_code,
    version.urban_rural::text as urban_rural,
    version.is_inclusive::boolean as is_inclusive,
    version.planned_year::int as planned_year,
    version.founded_month::text as founded_month,
    version.closed_month::text as closed_month,
    lineage.predecessor_code::text as predecessor_code,
    lineage.lineage_code::text as lineage_code,
    {{ school_year('version.valid_from_year') }} as valid_from_school_year,
    {{ school_year('version.valid_to_year') }} as valid_to_school_year,
    version.valid_to_year = newest.period_year as is_current
from version
cross join newest
left join lineage using (school_code)
