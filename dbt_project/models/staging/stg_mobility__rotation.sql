with

source as (
    {{ published('teacher_rotation', ['school_code', 'eligible', 'rotated', 'rotated_backbone']) }}
),

final as (
    select
        {{ clean('school_code') }} as school_code,
        {{ number('eligible') }} as eligible,
        {{ number('rotated') }} as rotated,
        {{ number('rotated_backbone') }} as rotated_backbone,
        period as school_year,
        {{ period_year('period') }} as period_year,
        batch_id
    from source
)

select * from final
