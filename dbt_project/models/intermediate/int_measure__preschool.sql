{#- Measures of the preschool system: principals, public centre kindergartens of townships (digits 7
    to 9 of a division code: 001-099 subdistricts, 100-199 towns, 200-399 townships), children. -#}
with

kindergarten as (
    select * from {{ ref('stg_preschool__kindergartens') }}
    where is_open
),

principal as (
    select kindergarten.school_code, kindergarten.period_year, measure.*, kindergarten.batch_id
    from kindergarten
    cross join lateral (values
        ('principals', kindergarten.principal_count),
        -- Who states principals and no certificate has none.
        (
            'principals_certified',
            case when kindergarten.principal_count is not null
                then coalesce(kindergarten.principal_certified_count, 0) end
        )
    ) as measure (measure_code, value)
),

-- The system knows no classes attached to schools: it is compared with the statistics, not used.
children as (
    select
        school_code,
        period_year,
        'children_system' as measure_code,
        count(*) filter (where class_type <> '托班') as value,
        max(batch_id) as batch_id
    from {{ ref('stg_preschool__children') }}
    group by 1, 2
),

-- A county that sent its list and has no centre has 0; a county without a list has no row.
centre as (
    select
        left(division_code, 6) as county_code,
        period_year,
        count(distinct left(division_code, 9)) filter (
            where is_township_centre
            and ownership_type <> '民办'
            and substr(division_code, 7, 3) between '100' and '399'
        ) as townships_with_centre,
        max(batch_id) as batch_id
    from kindergarten
    group by 1, 2
),

final as (
    select school_code as reporter_code, 'school' as reporter_level, period_year, measure_code, value, batch_id
    from principal
    union all
    select school_code, 'school', period_year, measure_code, value, batch_id
    from children
    union all
    select centre.county_code, 'county', centre.period_year, 'townships_with_centre', centre.townships_with_centre,
        centre.batch_id
    from centre
    inner join {{ ref('region') }} as region on centre.county_code = region.region_code
)

select
    reporter_code,
    reporter_level,
    period_year,
    'preschool' as stage,
    measure_code,
    value::numeric as value,
    'preschool' as family,
    batch_id
from final
where value is not null
