{#- Students who moved between general and vocational schools, and teachers who rotated.
    A move counts in the school year in which its change of records was completed, for the county
    of the receiving school. -#}
with

transfer as (
    select * from {{ ref('stg_mobility__transfers') }}
),

school as (
    select school_code, period_year, county_code from {{ ref('int_school__years') }}
),

-- A county where nobody moved has 0 once the year's list is published.
published_year as (
    select period_year, max(batch_id) as batch_id from transfer
    group by 1
),

direction as (
    select * from (values
        ('普高转中职', 'moved_general_to_vocational'),
        ('中职转普高', 'moved_vocational_to_general')
    ) as pair (direction, measure_code)
),

region as (
    select region_code from {{ ref('region') }}
    where region_level in ('county', 'city_run')
),

moved as (
    select school.county_code, transfer.period_year, transfer.direction, count(*) as students
    from transfer
    inner join school
        on transfer.to_school_code = school.school_code
        and transfer.period_year = school.period_year
    where transfer.is_completed
        and transfer.completed_date >= {{ school_year_start('transfer.period_year') }}
        and transfer.completed_date < {{ school_year_start('transfer.period_year + 1') }}
    group by 1, 2, 3
),

student as (
    select
        region.region_code as reporter_code,
        'county' as reporter_level,
        published_year.period_year,
        'all' as stage,
        direction.measure_code,
        coalesce(moved.students, 0)::numeric as value,
        published_year.batch_id
    from published_year
    cross join region
    cross join direction
    left join moved
        on published_year.period_year = moved.period_year
        and region.region_code = moved.county_code
        and direction.direction = moved.direction
),

teacher as (
    select
        form.school_code as reporter_code,
        'school' as reporter_level,
        form.period_year,
        'all' as stage,
        measure.measure_code,
        measure.value,
        form.batch_id
    from {{ ref('stg_mobility__rotation') }} as form
    cross join lateral (values
        ('teachers_rotation_eligible', form.eligible),
        ('teachers_rotated', form.rotated),
        -- Of nobody there is no backbone teacher either; else a blank is unknown.
        ('teachers_rotated_backbone', coalesce(form.rotated_backbone, case when form.rotated = 0 then 0 end))
    ) as measure (measure_code, value)
    where measure.value is not null
),

final as (
    select * from student
    union all
    select * from teacher
)

select
    reporter_code,
    reporter_level,
    period_year,
    stage,
    measure_code,
    value,
    'mobility' as family,
    batch_id
from final
