{#- Grain: dataset x period x unit that must send it: on time, late, missing or not due, counted to a
    given day. A view, so that it moves with the day and with what lands, and not with the build. -#}
{{ config(materialized='view') }}
with

day as (
    select {{ as_of() }} as as_of
),

counted as (
    select
        unit.dataset,
        duty.title_zh as dataset_name,
        duty.system,
        duty.owner,
        unit.period,
        unit.unit_level,
        unit.unit_code,
        case unit.unit_level
            when 'school' then unit.unit_name
            when 'county' then region.region_name
            else duty.owner
        end as unit_name,
        unit.county_code,
        region.region_name as county_name,
        unit.opens_on,
        unit.due_on,
        -- What came after that day is not known on it.
        case when unit.received_on <= day.as_of then unit.received_on end as received_on,
        case when unit.refused_on <= day.as_of then unit.refused_on end as refused_on,
        unit.is_never_known,
        max(unit.due_on) filter (where unit.due_on < day.as_of)
            over (partition by unit.dataset) as latest_due_on,
        min(unit.due_on) filter (where unit.due_on >= day.as_of)
            over (partition by unit.dataset) as next_due_on,
        day.as_of
    from {{ ref('int_report__units') }} as unit
    inner join {{ source('quality', 'reporting_duty') }} as duty using (dataset)
    cross join day
    left join {{ ref('region') }} as region on unit.county_code = region.region_code
)

select
    dataset::text as dataset,
    dataset_name::text as dataset_name,
    system::text as system,
    owner::text as owner,
    period::text as period,
    unit_level::text as unit_level,
    unit_code::text as unit_code,
    unit_name::text as unit_name,
    county_code::text as county_code,
    county_name::text as county_name,
    opens_on::date as opens_on,
    due_on::date as due_on,
    received_on::date as received_on,
    refused_on::date as refused_on,
    case
        when received_on <= due_on then 'on_time'
        when received_on is not null then 'late'
        when due_on < as_of then 'missing'
        else 'not_due'
    end::text as status,
    greatest(coalesce(received_on, as_of) - due_on, 0)::integer as days_late,
    as_of::date as as_of
from counted
where received_on is not null
    or due_on = next_due_on
    or (
        due_on < as_of
        -- What never came at all owes its latest turn only.
        and (not is_never_known or due_on = latest_due_on)
    )
