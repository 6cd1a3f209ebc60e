{#- Measures of 学籍 by school x school year x stage; on roll = 在读. -#}
with

counted as (
    select * from {{ ref('int_students__counted') }}
    where stage is not null
),

ownership as (
    select school_code, period_year, ownership from {{ ref('int_school__years') }}
),

class_size as (
    select school_code, period_year, stage, grade_number, class_name, sum(pupil_count) as size
    from counted
    where stage = 'senior' and class_name is not null and status = '在读'
    group by 1, 2, 3, 4, 5
),

class_total as (
    select
        school_code,
        period_year,
        stage,
        count(*) as roll_classes,
        count(*) filter (where size >= {{ var('large_class_from') }}) as roll_classes_large
    from class_size
    group by 1, 2, 3
),

roll as (
    select
        counted.school_code,
        counted.period_year,
        counted.stage,
        max(counted.batch_id) as batch_id,
        sum(counted.pupil_count) as roll,
        coalesce(sum(counted.pupil_count) filter (
            where counted.grade_number = 1
            and left(counted.entry_month, 4) = counted.period_year::text
        ), 0) as roll_entrants,
        coalesce(sum(counted.pupil_count) filter (where counted.is_migrant), 0) as roll_migrant,
        coalesce(sum(counted.pupil_count) filter (
            where counted.is_migrant
            and (ownership.ownership = 'public' or counted.has_purchased_place)
        ), 0) as roll_migrant_public,
        case when counted.stage = 'primary' then coalesce(sum(counted.pupil_count) filter (
            where counted.age_years between 6 and 11
        ), 0) end as roll_age_6_11
    from counted
    left join ownership using (school_code, period_year)
    where counted.status = '在读'
    group by 1, 2, 3
),

joined as (
    select roll.*, class_total.roll_classes, class_total.roll_classes_large
    from roll
    left join class_total using (school_code, period_year, stage)
)

select
    joined.school_code as reporter_code,
    'school' as reporter_level,
    joined.period_year,
    joined.stage,
    measure.measure_code,
    measure.value::numeric as value,
    'roll' as family,
    joined.batch_id
from joined
cross join lateral (values
    ('roll', joined.roll),
    ('roll_entrants', joined.roll_entrants),
    ('roll_migrant', joined.roll_migrant),
    ('roll_migrant_public', joined.roll_migrant_public),
    ('roll_age_6_11', joined.roll_age_6_11),
    ('roll_classes', joined.roll_classes),
    ('roll_classes_large', joined.roll_classes_large)
) as measure (measure_code, value)
where measure.value is not null
