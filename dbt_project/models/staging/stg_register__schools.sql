with

source as (
    {{ published('school_register', [
        'school_code', 'school_name', 'location_code', 'admin_code', 'school_type_code',
        'organiser_code', 'urban_rural_code', 'is_inclusive', 'inclusive_from', 'inclusive_to',
        'founded_month', 'closed_month', 'predecessor_code', 'planned_year',
    ]) }}
),

final as (
    select
        {{ clean('school_code') }} as school_code,
        {{ clean('school_name') }} as school_name,
        {{ clean('location_code') }} as location_code,
        {{ clean('admin_code') }} as admin_code,
        {{ clean('school_type_code') }} as school_type_code,
        {{ clean('organiser_code') }} as organiser_code,
        {{ clean('urban_rural_code') }} as urban_rural_code,
        coalesce({{ clean('is_inclusive') }} = '是', false) as is_recognised_inclusive,
        {{ parsed_date('inclusive_from') }} as inclusive_from_date,
        {{ parsed_date('inclusive_to') }} as inclusive_to_date,
        {{ clean('founded_month') }} as founded_month,
        {{ clean('closed_month') }} as closed_month,
        {{ clean('predecessor_code') }} as predecessor_code,
        {{ number('planned_year') }}::int as planned_year,
        period as school_year,
        {{ period_year('period') }} as period_year,
        batch_id
    from source
)

select * from final
