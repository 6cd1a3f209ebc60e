{#-
  Teacher, literacy and lifelong-learning platforms. Teachers and pupils count where the school's
  own lists have them; a school without a profile, record or result stands with 0 in every year the
  platform speaks for.
-#}
with

school_year as (
    select distinct
        period_year,
        {{ school_year_start('period_year + 1') }} - 1 as last_day
    from {{ ref('int_school__years') }}
),

-- One row a teacher of the year's list, at one school and stage.
teacher as (
    select school_code, period_year, stage, teacher_key
    from {{ ref('stg_staff__teachers') }}
    where post_status = '在职' and staff_type = '专任教师' and stage is not null
),

profile as (
    select teacher_key, min(registered_date) as registered_date, max(batch_id) as batch_id
    from {{ ref('stg_platform__teachers') }}
    where status = '有效' and teacher_key is not null
    group by 1
),

registered as (
    select
        teacher.school_code as reporter_code,
        teacher.period_year,
        teacher.stage,
        count(profile.teacher_key) as value,
        (select max(batch_id) from profile) as batch_id
    from teacher
    inner join school_year using (period_year)
    left join profile
        on teacher.teacher_key = profile.teacher_key
        and profile.registered_date <= school_year.last_day
    where school_year.last_day >= (select min(registered_date) from profile)
    group by 1, 2, 3
),

training as (
    select
        teacher_key, period_year, max(batch_id) as batch_id,
        coalesce(sum(hours) filter (where audit_status = '通过'), 0) as hours
    from {{ ref('stg_platform__training') }}
    where teacher_key is not null
    group by 1, 2
),

trained as (
    select
        teacher.school_code as reporter_code,
        teacher.period_year,
        teacher.stage,
        coalesce(sum(training.hours), 0) as value,
        (select max(batch_id) from training) as batch_id
    from teacher
    left join training using (teacher_key, period_year)
    where teacher.period_year between
        (select min(period_year) from training) and (select max(period_year) from training)
    group by 1, 2, 3
),

taken as (
    select * from {{ ref('stg_platform__assessments') }}
    where is_taken and stage is not null
),

tested_grade as (
    select period_year, stage, grade_number, max(batch_id) as batch_id
    from taken
    group by 1, 2, 3
),

-- A school without a tested grade owes nobody: zero, not unknown.
due as (
    select
        roll.school_code as reporter_code, roll.period_year, roll.stage,
        coalesce(sum(roll.pupil_count) filter (where tested_grade.grade_number is not null), 0) as due,
        max(tested_grade.batch_id) as batch_id
    from {{ ref('int_students__counted') }} as roll
    inner join (select distinct period_year from tested_grade) as tested_year using (period_year)
    left join tested_grade using (period_year, stage, grade_number)
    where roll.status = '在读' and roll.stage in ('primary', 'junior', 'senior')
    group by 1, 2, 3
),

-- A pupil counts once, with the best level, at the school of the latest attempt.
pupil as (
    select distinct on (student_key, period_year)
        period_year, school_code, stage,
        bool_or(is_passed) over (partition by student_key, period_year) as is_passed
    from taken
    order by student_key, period_year, attempt desc nulls last, school_code
),

result as (
    select
        school_code as reporter_code, period_year, stage,
        count(*) as participants, count(*) filter (where is_passed) as passed
    from pupil
    group by 1, 2, 3
),

literacy as (
    select
        reporter_code, period_year, stage, measure.measure_code, measure.value,
        coalesce(due.batch_id, (select max(batch_id) from tested_grade)) as batch_id
    from due
    full join result using (reporter_code, period_year, stage)
    cross join lateral (values
        -- A school that sent no list of pupils has nobody known to be due: no row, not zero.
        ('literacy_due_pupils', due.due),
        ('literacy_participants', coalesce(result.participants, 0)),
        ('literacy_passed', coalesce(result.passed, 0))
    ) as measure (measure_code, value)
),

course as (
    select * from {{ ref('stg_platform__courses') }}
),

learning as (
    select
        period_year, max(batch_id) as batch_id,
        count(*) as course_enrolments,
        count(distinct learner_key) as course_learners
    from {{ ref('stg_platform__learning') }}
    where period_year is not null
    group by 1
),

lifelong as (
    select
        region.region_code as reporter_code, school_year.period_year, measure.measure_code,
        -- The platform is the city's: its counties have none of it.
        case when region.region_level = 'city_run' then measure.value else 0 end as value,
        measure.batch_id
    from school_year
    inner join {{ ref('region') }} as region on region.region_level <> 'city'
    cross join lateral (
        -- A course that another one re-uses is one course.
        select
            count(*) filter (
                where not course.is_reused
                and course.online_from_date <= school_year.last_day
                and coalesce(course.online_to_date >= school_year.last_day, true)
            ) as courses,
            max(course.batch_id) as batch_id,
            min(course.online_from_date) as first_day
        from course
    ) as catalogue
    left join learning using (period_year)
    cross join lateral (values
        (
            'courses_online',
            case when catalogue.first_day <= school_year.last_day then catalogue.courses end,
            catalogue.batch_id
        ),
        ('course_enrolments', learning.course_enrolments, learning.batch_id),
        ('course_learners', learning.course_learners, learning.batch_id)
    ) as measure (measure_code, value, batch_id)
    where measure.value is not null
),

final as (
    select reporter_code, 'school' as reporter_level, period_year, stage,
        'platform_teachers' as measure_code, value::numeric as value, batch_id from registered
    union all
    select reporter_code, 'school', period_year, stage, 'training_hours_valid', value, batch_id
    from trained
    union all
    select reporter_code, 'school', period_year, stage, measure_code, value, batch_id
    from literacy
    union all
    select reporter_code, 'county', period_year, 'all', measure_code, value, batch_id
    from lifelong
)

select
    reporter_code,
    reporter_level,
    period_year,
    stage,
    measure_code,
    value,
    'platforms' as family,
    batch_id
from final
where value is not null
