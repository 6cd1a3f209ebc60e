with

source as (
    {{ published('star_schools', ['county', 'school', 'phase', 'valid_from', 'valid_to']) }}
),

final as (
    select
        {{ clean('county') }} as county_name,
        {{ clean('school') }} as school_name,
        {{ clean('phase') }} in ('认定', '复评') as is_recognised,
        {{ parsed_date('valid_from') }} as valid_from,
        {{ parsed_date('valid_to') }} as valid_to,
        batch_id
    from source
)

select * from final
