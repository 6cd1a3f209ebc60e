{#- Grain: dataset x period x unit that must send it: a school, a county or one office; received_on:
    the day its delivery was complete enough to count.
    School: the first file with its rows. Where no school of a county sent anything, but the county
    a sum of its own, the county is the unit. County: the day half of its schools were in. Office:
    the day the last file of its first delivery came. -#}
{{ config(materialized='ephemeral') }}
with

asked as (
    select
        asked.*,
        coalesce(unit.unit_level, 'office') as unit_level
    from {{ ref('int_report__windows') }} as asked
    left join {{ ref('reporting_unit') }} as unit using (dataset)
),

school as (
    select * from {{ ref('int_report__schools') }}
),

sum_of_county as (
    select
        arrival.dataset,
        arrival.period,
        region.region_code as county_code,
        min(arrival.came_on) as received_on
    from {{ ref('int_report__arrivals') }} as arrival
    inner join asked using (dataset, period)
    inner join {{ source('quality', 'receipt') }} as receipt using (batch_id, file_no)
    inner join {{ ref('region') }} as region on receipt.unit_code = region.region_code
    where asked.unit_level = 'school'
    group by 1, 2, 3
),

summed as (
    select sum_of_county.*
    from sum_of_county
    where not exists (
        select from school
        where school.dataset = sum_of_county.dataset
            and school.period = sum_of_county.period
            and school.county_code = sum_of_county.county_code
            and school.received_on is not null
    )
),

schools as (
    select
        school.dataset, school.period, 'school' as unit_level, school.school_code as unit_code,
        school.school_name as unit_name, school.county_code, school.received_on
    from school
    inner join asked using (dataset, period)
    where asked.unit_level = 'school'
        -- Hashed whatever the planner believes of a CTE; a school without a county has no sum.
        and (school.dataset, school.period, coalesce(school.county_code, '')) not in (
            select summed.dataset, summed.period, summed.county_code from summed
        )
),

counties as (
    select
        school.dataset, school.period, 'county' as unit_level, school.county_code as unit_code,
        null as unit_name, school.county_code,
        nullif(
            percentile_disc(0.5) within group (order by coalesce(school.received_on, 'infinity')),
            'infinity'
        ) as received_on
    from school
    inner join asked using (dataset, period)
    where asked.unit_level = 'county'
    group by 1, 2, 4, 6
),

-- The day a whole delivery had come: that of its last file.
delivered as (
    select dataset, period, batch_id, max(came_on) as came_on
    from {{ ref('int_report__arrivals') }}
    group by 1, 2, 3, case when batch_id is null then came_on end
),

offices as (
    select
        asked.dataset, asked.period, 'office' as unit_level, city.region_code as unit_code,
        null as unit_name, city.region_code as county_code,
        min(delivered.came_on) as received_on
    from asked
    cross join (select region_code from {{ ref('region') }} where region_level = 'city') as city
    left join delivered
        on asked.dataset = delivered.dataset
        and case
            when asked.is_recurring
                then delivered.came_on >= asked.opens_on
                and coalesce(delivered.came_on < asked.next_opens_on, true)
            else delivered.period = asked.period
        end
    where asked.unit_level = 'office'
    group by 1, 2, 4
),

every as (
    select * from schools
    union all
    select dataset, period, 'county', county_code, null, county_code, received_on from summed
    union all
    select * from counties
    union all
    select * from offices
),

-- Nobody is chased for the time before a dataset began to come: periods before its first one, and
-- turns of a source without periods that were due before its first delivery.
first_known as (
    select
        delivered.dataset,
        min(asked.due_on) filter (where delivered.period = asked.period) as first_due_on,
        min(delivered.came_on) as first_on
    from delivered
    inner join asked using (dataset)
    group by 1
),

-- A file that was refused and is named by its sender's code, as 2145000001_….xlsx is.
refused as (
    select
        batch.dataset,
        batch.period,
        substring(file.path from '(?:^|/)([0-9]{6,10})_[^/]*$') as unit_code,
        max(least(
            (file.modified_at at time zone 'Asia/Shanghai')::date, {{ day_of('batch.landed_at') }}
        )) as refused_on
    from {{ source('ops', 'batch') }} as batch
    inner join {{ source('ops', 'batch_file') }} as file using (batch_id)
    where file.status = 'rejected'
    group by 1, 2, 3
)

select
    every.dataset,
    every.period,
    every.unit_level,
    every.unit_code,
    every.unit_name,
    every.county_code,
    asked.opens_on,
    asked.due_on,
    every.received_on,
    case when every.received_on is null then refused.refused_on end as refused_on,
    first_known.dataset is null as is_never_known
from every
inner join asked using (dataset, period)
left join first_known using (dataset)
left join refused using (dataset, period, unit_code)
where coalesce(
    asked.due_on >= case when asked.is_recurring then first_on else first_due_on end, true
)
