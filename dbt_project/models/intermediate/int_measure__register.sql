{#- Numbers of schools from the register, of townships from the region list.
    A teaching point or attached class is no school: it stands with 0, so that it is known not to
    count and does not lower the coverage. Region codes that end in 21 to 99 are counties and
    county-level cities (县域), 01 to 20 districts and the city-run schools. -#}
with

school as (
    select
        school_code,
        period_year,
        school_type_code,
        county_code,
        stages,
        batch_id,
        coalesce(right(county_code, 2)::int between 21 and 99, false) as is_in_county,
        (
            not is_teaching_point
            and school_type_code not in ('119', '219', '228', '319', '349', '368', '519')
        )::int as is_school
    from {{ ref('int_school__years') }}
    where is_open
),

region as (
    select * from {{ ref('region') }}
),

school_level as (
    select
        school.school_code as reporter_code,
        'school' as reporter_level,
        school.period_year,
        measure.stage,
        measure.measure_code,
        -- A school of a district or of the city is no county school: 0, not unknown.
        case when measure.measure_code = 'county_high_schools' and not school.is_in_county then 0
            else school.is_school end as value,
        school.batch_id
    from school
    cross join lateral (values
        ('schools', 'all', true),
        ('basic_schools', 'all', school.stages && array['primary', 'junior', 'senior']),
        ('compulsory_schools', 'all', school.stages && array['primary', 'junior']),
        ('kindergartens_registered', 'preschool', school.school_type_code = '111'),
        ('county_high_schools', 'senior', 'senior' = any(school.stages)),
        ('voc_schools', 'vocational', school.school_type_code like '36%')
    ) as measure (measure_code, stage, is_of_kind)
    where measure.is_of_kind
),

-- The list of townships speaks for every school year that has a register.
township as (
    select
        region.region_code as reporter_code,
        'county' as reporter_level,
        listed.period_year,
        'all' as stage,
        'townships' as measure_code,
        region.town_count + region.township_count as value,
        listed.batch_id
    from region
    cross join (
        select period_year, max(batch_id) as batch_id from school group by 1
    ) as listed
    where region.town_count is not null
),

final as (
    select * from school_level
    union all
    select * from township
)

select
    reporter_code,
    reporter_level,
    period_year,
    stage,
    measure_code,
    value::numeric as value,
    'register' as family,
    batch_id
from final
