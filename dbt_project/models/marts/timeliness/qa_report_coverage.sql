{#- Grain: dataset x period x county, and the whole city: how many of those who must send it have, and
    how many of the schools it must hold it holds. A view, like the register it counts. -#}
{{ config(materialized='view') }}
with

register as (
    select * from {{ ref('int_report__register') }}
),

city as (
    select region_code, region_name from {{ ref('region') }}
    where region_level = 'city'
),

-- What an office sends belongs to no county: it counts for the city alone.
unit as (
    select
        dataset, period,
        case when grouping(register.county_code) = 1 then max(city.region_code)
            else register.county_code end as county_code,
        count(*) as units_expected,
        count(*) filter (where status = 'on_time') as units_on_time,
        count(*) filter (where status = 'late') as units_late,
        count(*) filter (where status = 'missing') as units_missing
    from register
    cross join city
    group by grouping sets ((dataset, period, register.county_code), (dataset, period))
    having grouping(register.county_code) = 1 or register.county_code <> max(city.region_code)
),

school as (
    select
        dataset, period,
        case when grouping(school.county_code) = 1 then max(city.region_code)
            else school.county_code end as county_code,
        count(*) as schools_expected,
        count(*) filter (where received_on <= {{ as_of() }}) as schools_reported
    from {{ ref('int_report__schools') }} as school
    cross join city
    group by grouping sets ((dataset, period, school.county_code), (dataset, period))
),

listed as (
    select distinct dataset, dataset_name, period, due_on, as_of from register
),

place as (
    select dataset, period, county_code from unit
    union
    select dataset, period, county_code from school
)

select
    place.dataset::text as dataset,
    listed.dataset_name::text as dataset_name,
    place.period::text as period,
    place.county_code::text as county_code,
    region.region_name::text as county_name,
    listed.due_on::date as due_on,
    coalesce(unit.units_expected, 0)::integer as units_expected,
    coalesce(unit.units_on_time, 0)::integer as units_on_time,
    coalesce(unit.units_late, 0)::integer as units_late,
    coalesce(unit.units_missing, 0)::integer as units_missing,
    round(
        100.0 * (unit.units_on_time + unit.units_late) / nullif(unit.units_expected, 0), 1
    )::numeric(5, 1) as units_pct,
    coalesce(school.schools_expected, 0)::integer as schools_expected,
    coalesce(school.schools_reported, 0)::integer as schools_reported,
    round(
        100.0 * school.schools_reported / nullif(school.schools_expected, 0), 1
    )::numeric(5, 1) as schools_pct,
    listed.as_of::date as as_of
from place
inner join listed using (dataset, period)
left join unit using (dataset, period, county_code)
left join school using (dataset, period, county_code)
left join {{ ref('region') }} as region on place.county_code = region.region_code
where {{ is_visible('place.county_code') }}
