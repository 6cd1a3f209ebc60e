-- Names, identity numbers, birth dates and phones stop here.
with

source as (
    {{ published('preschool_children', ['kindergarten_code', 'class_type', 'sex']) }}
),

final as (
    select
        {{ clean('kindergarten_code') }} as school_code,
        {{ clean('class_type') }} as class_type,
        {{ clean('sex') }} as sex,
        period as school_year,
        {{ period_year('period') }} as period_year,
        batch_id
    from source
)

select * from final
