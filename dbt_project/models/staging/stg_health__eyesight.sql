with

source as (
    {{ published('eyesight', [
        'semester', 'school_code', 'grade', 'screened', 'myopia', 'myopia_mild',
        'myopia_moderate', 'myopia_high',
    ]) }}
),

final as (
    select
        {{ clean('school_code') }} as school_code,
        {{ semester_number(clean('semester')) }} as semester_number,
        {{ clean('grade') }} as grade,
        {{ stage_of_grade(clean('grade')) }} as stage,
        {{ number('screened') }} as screened_count,
        {{ number('myopia') }} as myopia_count,
        {{ number('myopia_mild') }} as myopia_mild_count,
        {{ number('myopia_moderate') }} as myopia_moderate_count,
        {{ number('myopia_high') }} as myopia_high_count,
        period as school_year,
        {{ period_year('period') }} as period_year,
        batch_id
    from source
)

select * from final
