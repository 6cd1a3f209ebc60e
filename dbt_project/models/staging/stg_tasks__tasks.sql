with

source as (
    {{ published('key_tasks', [
        'task_no', 'group_code', 'task_name', 'owner', 'co_owners', 'deadline',
    ]) }}
),

final as (
    select
        {{ clean('task_no') }} as task_code,
        {{ clean('group_code') }} as group_code,
        {{ clean('task_name') }} as task_name,
        -- The first of several owners leads, the others help.
        regexp_split_to_array(concat_ws('、', {{ clean('owner') }}, {{ clean('co_owners') }}), '\s*[、,;]\s*')
            as organisations,
        {{ clean('deadline') }} as deadline_text,
        edu.deadline_rule(deadline) as deadline_rule,
        batch_id
    from source
)

select * from final
