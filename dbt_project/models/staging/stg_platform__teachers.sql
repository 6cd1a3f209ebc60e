-- Names and phones stop here; the teacher number leaves as a keyed pseudonym.
with

source as (
    {{ published('training_teachers', [
        'teacher_no', 'status', 'registered_on', 'is_test', 'is_deleted',
    ]) }}
),

final as (
    select
        edu.pseudonym(teacher_no) as teacher_key,
        {{ clean('status') }} as status,
        {{ parsed_date('registered_on') }} as registered_date,
        batch_id
    from source
    where coalesce(is_test, 'false') <> 'true' and coalesce(is_deleted, 'false') <> 'true'
)

select * from final
