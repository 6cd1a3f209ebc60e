{#- Measures by sex where a source says it: girls and boys of the 教基 forms, residents, pupils on roll.
    A form states the girls; the boys are the others. -#}
with

census as (
    select
        reporter_code, reporter_level, period_year, 'primary' as stage, max(batch_id) as batch_id,
        sum(enrolment) as pupils,
        sum(enrolment_female) as female
    from {{ ref('stg_census__jj3112') }}
    where row_name = '总计'
    group by 1, 2, 3
    union all
    select
        reporter_code, reporter_level, period_year, 'junior', max(batch_id),
        sum(enrolment),
        sum(enrolment_female)
    from {{ ref('stg_census__jj3115') }}
    where row_name = '总计'
    group by 1, 2, 3
    union all
    -- A form of which one group names no girls says nothing about all of them.
    select
        reporter_code, reporter_level, period_year, 'preschool', max(batch_id),
        sum(children),
        case when count(children_female) = count(children) then sum(children_female) end
    from {{ ref('stg_census__jj2105') }}
    where row_name in ('小班', '中班', '大班', '混合班')
    group by 1, 2, 3
),

pupils as (
    select
        census.reporter_code,
        census.reporter_level,
        census.period_year,
        census.stage,
        'pupils' as measure_code,
        part.sex,
        part.value,
        case census.stage when 'preschool' then 'census_preschool' else 'census_pupils' end as family,
        census.batch_id
    from census
    cross join lateral (values
        ('female', census.female), ('male', census.pupils - census.female)
    ) as part (sex, value)
),

on_roll as (
    select
        counted.school_code as reporter_code,
        counted.period_year,
        counted.stage,
        counted.sex,
        max(counted.batch_id) as batch_id,
        sum(counted.pupil_count) as roll,
        coalesce(sum(counted.pupil_count) filter (
            where counted.grade_number = 1
            and left(counted.entry_month, 4) = counted.period_year::text
        ), 0) as roll_entrants,
        case when counted.stage = 'primary' then coalesce(sum(counted.pupil_count) filter (
            where counted.age_years between 6 and 11
        ), 0) end as roll_age_6_11
    from (
        select *
        from {{ ref('int_students__counted') }}
        where stage is not null and status = '在读' and sex is not null
    ) as counted
    group by 1, 2, 3, 4
),

-- A school of boys has no girls: zero, not unknown.
school as (
    select reporter_code, period_year, stage, max(batch_id) as batch_id from on_roll
    group by 1, 2, 3
),

roll as (
    select
        school.reporter_code,
        'school' as reporter_level,
        school.period_year,
        school.stage,
        measure.measure_code,
        part.sex,
        case when on_roll.sex is null then 0 else measure.value end as value,
        'roll' as family,
        school.batch_id
    from school
    cross join (values ('female'), ('male')) as part (sex)
    left join on_roll
        on school.reporter_code = on_roll.reporter_code
        and school.period_year = on_roll.period_year
        and school.stage = on_roll.stage
        and part.sex = on_roll.sex
    cross join lateral (values
        ('roll', on_roll.roll),
        ('roll_entrants', on_roll.roll_entrants),
        ('roll_age_6_11', on_roll.roll_age_6_11)
    ) as measure (measure_code, value)
    where measure.measure_code <> 'roll_age_6_11' or school.stage = 'primary'
),

final as (
    select * from pupils
    union all
    select * from roll
)

select
    reporter_code,
    reporter_level,
    period_year,
    stage,
    measure_code,
    sex,
    value::numeric as value,
    family,
    batch_id
from final
where value is not null
