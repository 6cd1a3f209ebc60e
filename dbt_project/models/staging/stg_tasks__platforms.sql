with

source as (
    {{ published('platform_projects', [
        'platform_name', 'start_date', 'acceptance_date', 'live_date', 'as_of_date',
    ]) }}
),

final as (
    select
        {{ clean('platform_name') }} as platform_name,
        {{ parsed_date('start_date') }} as start_date,
        {{ parsed_date('acceptance_date') }} as acceptance_date,
        {{ parsed_date('live_date') }} as live_date,
        {{ parsed_date('as_of_date') }} as as_of_date,
        batch_id
    from source
)

select * from final
