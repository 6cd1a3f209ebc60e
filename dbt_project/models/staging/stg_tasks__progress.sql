with

source as (
    {{ published('task_progress', ['task_no', 'quarter', 'progress', 'acceptance_date']) }}
),

final as (
    select
        {{ clean('task_no') }} as task_code,
        period::int as fiscal_year,
        strpos('一二三四', substr({{ clean('quarter') }}, 2, 1)) as quarter_number,
        edu.progress_pct(progress) as progress_pct,
        edu.progress_state(progress) as progress_state,
        {{ parsed_date('acceptance_date') }} as acceptance_date,
        batch_id
    from source
)

select * from final
