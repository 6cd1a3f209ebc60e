{#- Grain: dataset x period x school that it must hold: the day the first file with rows of the school
    came. Expected are the schools of the register of that school year, or of the latest one before,
    that teach one of the dataset's stages. -#}
{{ config(materialized='ephemeral') }}
with

unit as (
    select dataset, string_to_array(stages, '|') as stages, teaching_points
    from {{ ref('reporting_unit') }}
),

period as (
    select
        asked.dataset, asked.period, max(year.period_year) as register_year
    from {{ ref('int_report__windows') }} as asked
    inner join unit using (dataset)
    inner join (select distinct period_year from {{ ref('int_report__roll') }}) as year
        on year.period_year <= asked.period_year
    group by 1, 2
),

expected as (
    select distinct
        period.dataset, period.period, school.school_code, school.school_name, school.county_code
    from period
    inner join unit using (dataset)
    inner join {{ ref('int_report__roll') }} as school
        on period.register_year = school.period_year
        and school.stage = any(unit.stages)
        and (unit.teaching_points or not school.is_teaching_point)
),

received as (
    select
        arrival.dataset, arrival.period, receipt.unit_code, min(arrival.came_on) as received_on
    from {{ ref('int_report__arrivals') }} as arrival
    inner join {{ source('quality', 'receipt') }} as receipt using (batch_id, file_no)
    group by 1, 2, 3
)

select
    expected.dataset,
    expected.period,
    expected.school_code,
    expected.school_name,
    expected.county_code,
    received.received_on
from expected
left join received
    on expected.dataset = received.dataset
    and expected.period = received.period
    and expected.school_code = received.unit_code
