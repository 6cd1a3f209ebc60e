with

source as (
    {{ published('school_groups', [
        'group_name', 'group_kind', 'county', 'lead_school', 'member_school', 'model_date',
        'valid_from', 'valid_to',
    ]) }}
),

final as (
    select
        {{ clean('group_name') }} as group_name,
        {{ clean('group_kind') }} = '集团' as is_group,
        {{ clean('county') }} as county_name,
        {{ clean('lead_school') }} as lead_school_name,
        {{ clean('member_school') }} as school_name,
        {{ parsed_date('model_date') }} as model_date,
        {{ parsed_date('valid_from') }} as valid_from,
        {{ parsed_date('valid_to') }} as valid_to,
        batch_id
    from source
)

select * from final
