with

source as (
    {{ published('new_places', [
        'project_no', 'county', 'stage', 'new_places', 'completed_date', 'is_in_use',
    ]) }}
),

final as (
    select
        {{ clean('project_no') }} as project_code,
        {{ clean('county') }} as county_name,
        {{ clean('stage') }} as stage_name,
        {{ number('new_places') }} as new_place_count,
        {{ parsed_date('completed_date') }} as completed_date,
        {{ clean('is_in_use') }} = '是' as is_in_use,
        period::int as fiscal_year,
        batch_id
    from source
)

select * from final
