with

source as (
    {{ published('voc_programmes', ['school_code', 'programme_code', 'status']) }}
),

final as (
    select
        {{ clean('school_code') }} as school_code,
        {{ clean('programme_code') }} as programme_code,
        {{ clean('status') }} = '在办' as is_operating,
        period as school_year,
        {{ period_year('period') }} as period_year,
        batch_id
    from source
)

select * from final
