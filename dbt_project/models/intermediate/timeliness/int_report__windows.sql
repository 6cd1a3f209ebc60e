{#- Grain: dataset x period: when it opens and is due, by contract or exception. A deadline
    changed in a contract is in force at once. Periods without a due day are left out. -#}
{{ config(materialized='ephemeral') }}
with

-- The line of the period itself comes before that of the whole dataset.
stated as (
    select distinct on (stated.dataset, stated.period)
        stated.dataset,
        stated.period,
        case when exception.dataset is null then stated.opens_on
            else coalesce(exception.opens_on, stated.opens_on) end as opens_on,
        case
            when exception.dataset is null then stated.due_on
            -- An exception without any day: nobody is chased.
            when exception.opens_on is null then exception.due_on
            else coalesce(exception.due_on, stated.due_on)
        end as due_on,
        coalesce(exception.note, stated.source) as source
    from {{ source('quality', 'submission_window') }} as stated
    left join {{ ref('submission_window') }} as exception
        on stated.dataset = exception.dataset
        and exception.period in (stated.period, '*')
    order by stated.dataset, stated.period, exception.period desc
)

select
    stated.dataset,
    stated.period,
    left(stated.period, 4)::int as period_year,
    stated.opens_on,
    stated.due_on,
    lead(stated.opens_on) over (partition by stated.dataset order by stated.opens_on) as next_opens_on,
    duty.period_kind = 'none' as is_recurring,
    stated.source
from stated
inner join {{ source('quality', 'reporting_duty') }} as duty using (dataset)
where stated.due_on is not null
