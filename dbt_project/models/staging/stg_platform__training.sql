-- The teacher number leaves as a keyed pseudonym. A record belongs to the school year it ended in.
with

source as (
    {{ published('training_records', [
        'teacher_no', 'ended_on', 'hours', 'audit_status', 'is_test', 'is_deleted',
    ]) }}
),

final as (
    select
        edu.pseudonym(teacher_no) as teacher_key,
        {{ school_year_of(parsed_date('ended_on')) }} as period_year,
        {{ number('hours') }} as hours,
        {{ clean('audit_status') }} as audit_status,
        batch_id
    from source
    where coalesce(is_test, 'false') <> 'true' and coalesce(is_deleted, 'false') <> 'true'
)

select * from final
