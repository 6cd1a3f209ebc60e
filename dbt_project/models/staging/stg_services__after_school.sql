with

source as (
    {{ published('after_school', [
        'semester', 'school_code', 'stage', 'pupils', 'participants', 'weeks',
    ]) }}
),

final as (
    select
        {{ clean('school_code') }} as school_code,
        {{ semester_number(clean('semester')) }} as semester_number,
        {{ stage_of_grade(clean('stage')) }} as stage,
        {{ number('pupils') }} as pupil_count,
        {{ number('participants') }} as participant_count,
        {{ number("rtrim(" ~ clean('weeks') ~ ", '周次 ')") }} as week_count,
        period as school_year,
        {{ period_year('period') }} as period_year,
        batch_id
    from source
)

select * from final
