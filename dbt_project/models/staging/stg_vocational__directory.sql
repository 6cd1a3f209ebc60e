with

source as (
    {{ published('industry_directory', ['chain', 'programme_code']) }}
),

final as (
    select
        {{ clean('chain') }} as chain,
        {{ clean('programme_code') }} as programme_code,
        batch_id
    from source
)

select * from final
