{#-
  CMP-14, junior three-year retention, by county from three 学籍 snapshots (grades 7, 8 and 9 of one
  cohort in three school years):
      (grade 9 on roll - transferred in + transferred out) / (grade 7 at the start - deaths).
  A list keeps those who left during its year, with status 转出 or 死亡, so a grade-7 list is the
  cohort at its start. 学生来源 = 转入 stays with a pupil: newly arrived are those marked in one list
  beyond those marked and on roll in the list before. Grade 9 on roll stands for graduates.
-#}
with

counted as (
    select
        school.county_code,
        counted.period_year - counted.grade_number + 1 as cohort_year,
        counted.grade_number,
        counted.status,
        counted.source_type = '转入' as is_transferred_in,
        counted.pupil_count,
        counted.batch_id
    from {{ ref('int_students__counted') }} as counted
    inner join {{ ref('int_school__years') }} as school
        on counted.school_code = school.school_code and counted.period_year = school.period_year
    where counted.stage = 'junior' and school.is_assessed_type
),

graded as (
    select
        county_code,
        cohort_year,
        grade_number,
        max(batch_id) as batch_id,
        sum(pupil_count) as listed,
        coalesce(sum(pupil_count) filter (where status = '在读'), 0) as on_roll,
        coalesce(sum(pupil_count) filter (where status = '转出'), 0) as transferred_out,
        coalesce(sum(pupil_count) filter (where status = '死亡'), 0) as died,
        coalesce(sum(pupil_count) filter (where is_transferred_in), 0) as marked,
        coalesce(sum(pupil_count) filter (where is_transferred_in and status = '在读'), 0)
            as marked_on_roll
    from counted
    where county_code is not null
    group by 1, 2, 3
),

cohort as (
    select
        third.county_code,
        third.cohort_year + 2 as period_year,
        third.batch_id,
        third.on_roll
        - greatest(second.marked - first.marked_on_roll, 0)
        - greatest(third.marked - second.marked_on_roll, 0)
        + first.transferred_out + second.transferred_out + third.transferred_out as completers,
        first.listed - first.died - second.died - third.died as starters
    from graded as first
    inner join graded as second
        on first.county_code = second.county_code
        and first.cohort_year = second.cohort_year
        and second.grade_number = 2
    inner join graded as third
        on first.county_code = third.county_code
        and first.cohort_year = third.cohort_year
        and third.grade_number = 3
    where first.grade_number = 1
)

select
    cohort.county_code as reporter_code,
    'county' as reporter_level,
    cohort.period_year,
    'junior' as stage,
    measure.measure_code,
    measure.value::numeric as value,
    'retention' as family,
    cohort.batch_id
from cohort
cross join lateral (values
    ('retention_completers', cohort.completers),
    ('retention_starters', cohort.starters)
) as measure (measure_code, value)
