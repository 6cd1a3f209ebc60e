-- Examination and student numbers stop here: what needs the person is answered in this model. One
-- row a person and year, at the school of the latest effective registration.
with

registration as (
    {{ published('adm_registrations', [
        'admission_year', 'exam_no', 'school_code', 'registered_on', 'status',
    ]) }}
),

offer as (
    {{ published('adm_offers', ['admission_year', 'exam_no', 'school_code', 'status']) }}
),

accepted as (
    select distinct admission_year, exam_no, school_code
    from offer
    where {{ clean('status') }} = '已确认'
),

ranked as (
    select
        *,
        row_number() over (
            partition by admission_year, exam_no
            order by {{ parsed_date('registered_on') }} desc nulls last, school_code
        ) as turn
    from registration
    where {{ clean('status') }} = '有效'
),

final as (
    select
        {{ number('ranked.admission_year') }}::int as admission_year,
        {{ clean('ranked.school_code') }} as school_code,
        accepted.exam_no is not null as is_on_platform,
        ranked.batch_id
    from ranked
    left join accepted
        on ranked.admission_year = accepted.admission_year
        and ranked.exam_no = accepted.exam_no
        and ranked.school_code = accepted.school_code
    where ranked.turn = 1
)

select * from final
