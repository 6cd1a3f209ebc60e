with

source as (
    {{ published('recognitions', ['kind', 'county', 'school', 'recognised_date', 'valid_to']) }}
),

final as (
    select
        {{ clean('kind') }} as kind_name,
        {{ clean('county') }} as county_name,
        {{ clean('school') }} as school_name,
        {{ parsed_date('recognised_date') }} as valid_from,
        {{ parsed_date('valid_to') }} as valid_to,
        batch_id
    from source
)

select * from final
