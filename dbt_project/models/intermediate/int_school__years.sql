-- Grain: school x school year, with the attributes every roll-up needs.
with

registered as (
    select * from {{ ref('stg_register__schools') }}
),

region as (
    select * from {{ ref('int_region__current') }}
),

final as (
    select
        registered.school_code,
        registered.school_year,
        registered.period_year,
        registered.school_name,
        registered.school_type_code,
        registered.organiser_code,
        registered.urban_rural_code,
        coalesce(administered.current_code, located.current_code) as county_code,
        located.current_code as location_county_code,
        registered.location_code,
        registered.predecessor_code,
        registered.planned_year,
        registered.founded_month,
        registered.closed_month,
        case when registered.organiser_code like '999%' then 'private' else 'public' end
            as ownership,
        case
            when registered.urban_rural_code like '11%' then 'urban'
            when registered.urban_rural_code like '12%' then 'town'
            when registered.urban_rural_code like '2%' then 'rural'
        end as urban_rural,
        registered.organiser_code not like '999%'
        or (
            registered.is_recognised_inclusive
            and coalesce(
                registered.inclusive_from_date <= {{ school_year_start('registered.period_year') }},
                true
            )
            and coalesce(
                registered.inclusive_to_date >= {{ school_year_start('registered.period_year') }},
                true
            )
        ) as is_inclusive,
        {{ stages_of_type('registered.school_type_code') }} as stages,
        registered.school_type_code = '218' as is_teaching_point,
        registered.school_type_code not like '5%'
        and registered.school_type_code not like '36%' as is_assessed_type,
        coalesce(
            registered.closed_month
            >= to_char({{ school_year_start('registered.period_year') }}, 'YYYYMM'),
            true
        ) as is_open,
        registered.batch_id
    from registered
    left join region as administered on left(registered.admin_code, 6) = administered.region_code
    left join region as located on left(registered.location_code, 6) = located.region_code
)

select * from final
