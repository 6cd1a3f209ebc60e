-- Names, identity and certificate numbers, phones stop here; of a number only its presence passes,
-- and the teacher number as a keyed pseudonym.
with

source as (
    {{ published('teachers', [
        'teacher_no', 'school_code', 'post_status', 'staff_type', 'is_established', 'teaching_stage',
        'highest_degree', 'certificate_type', 'certificate_no', 'backbone_level',
        'backbone_until', 'work_start', 'training_hours',
    ]) }}
),

final as (
    select
        edu.pseudonym(teacher_no) as teacher_key,
        {{ clean('school_code') }} as school_code,
        {{ clean('post_status') }} as post_status,
        {{ clean('staff_type') }} as staff_type,
        {{ clean('is_established') }} = '是' as is_established,
        {{ stage_of_teaching(clean('teaching_stage')) }} as stage,
        {{ clean('highest_degree') }} as highest_degree,
        coalesce({{ clean('certificate_type') }} not in ('无', '-'), false)
            and {{ clean('certificate_no') }} is not null as has_certificate,
        coalesce({{ clean('backbone_level') }}, '无') as backbone_level,
        -- Validity is given as a day or a month; a month is valid to its last day.
        case
            when length({{ clean('backbone_until') }}) = 6
                then ({{ parsed_date(clean('backbone_until') ~ " || '01'") }} + interval '1 month' - interval '1 day')::date
            else {{ parsed_date('backbone_until') }}
        end as backbone_until_date,
        left({{ clean('work_start') }}, 6) as work_start_month,
        {{ number("replace(" ~ clean('training_hours') ~ ", '学时', '')") }} as training_hours,
        period as school_year,
        {{ period_year('period') }} as period_year,
        batch_id
    from source
)

select * from final
