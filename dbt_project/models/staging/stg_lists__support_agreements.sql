with

source as (
    {{ published('support_agreements', ['county', 'school', 'valid_from', 'valid_to']) }}
),

final as (
    select
        {{ clean('county') }} as county_name,
        {{ clean('school') }} as school_name,
        {{ parsed_date('valid_from') }} as valid_from,
        {{ parsed_date('valid_to') }} as valid_to,
        batch_id
    from source
)

select * from final
