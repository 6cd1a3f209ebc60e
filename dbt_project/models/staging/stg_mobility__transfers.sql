-- Student numbers and names stop here: a transfer is two schools, a direction and a day.
with

source as (
    {{ published('transfers', [
        'from_school_code', 'to_school_code', 'direction', 'completed_on', 'status',
    ]) }}
),

final as (
    select
        {{ clean('from_school_code') }} as from_school_code,
        {{ clean('to_school_code') }} as to_school_code,
        {{ clean('direction') }} as direction,
        {{ parsed_date('completed_on') }} as completed_date,
        {{ clean('status') }} = '已完成' as is_completed,
        period as school_year,
        {{ period_year('period') }} as period_year,
        batch_id
    from source
)

select * from final
