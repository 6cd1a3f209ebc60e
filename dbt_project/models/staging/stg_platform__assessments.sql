-- The student number leaves as a keyed pseudonym, the score not at all: a level is enough.
with

source as (
    {{ published('literacy_assessments', [
        'student_no', 'school_code', 'school_year', 'grade', 'attempt', 'status', 'level',
        'is_test', 'is_deleted',
    ]) }}
),

final as (
    select
        edu.pseudonym(student_no) as student_key,
        {{ clean('school_code') }} as school_code,
        {{ period_year(clean('school_year')) }} as period_year,
        {{ stage_of_grade(clean('grade')) }} as stage,
        {{ grade_number(clean('grade')) }} as grade_number,
        {{ number('attempt') }} as attempt,
        -- 缺考 is no zero: who was absent did not take part, whatever score was entered.
        {{ clean('status') }} = '已测' as is_taken,
        {{ clean('level') }} in ('优秀', '良好', '合格') as is_passed,
        batch_id
    from source
    where coalesce(is_test, 'false') <> 'true' and coalesce(is_deleted, 'false') <> 'true'
)

select * from final
