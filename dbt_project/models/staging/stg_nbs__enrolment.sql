with

source as (
    {{ published('nbs_enrolment', ['indicator_name', 'year', 'value']) }}
),

final as (
    select
        {{ clean('indicator_name') }} as indicator_name,
        left({{ clean('year') }}, 4)::int as calendar_year,
        {{ number('value') }} as value_10k_persons,
        batch_id
    from source
)

select * from final
