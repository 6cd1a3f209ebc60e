with

source as (
    {{ published('course_catalog', [
        'course_id', 'online_from', 'online_to', 'reused_from', 'is_test', 'is_deleted',
    ]) }}
),

final as (
    select
        {{ clean('course_id') }} as course_id,
        {{ parsed_date('online_from') }} as online_from_date,
        {{ parsed_date('online_to') }} as online_to_date,
        {{ clean('reused_from') }} is not null as is_reused,
        batch_id
    from source
    where coalesce(is_test, 'false') <> 'true' and coalesce(is_deleted, 'false') <> 'true'
)

select * from final
