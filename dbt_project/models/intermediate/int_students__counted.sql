{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook="{{ drop_superseded('students') }}",
        indexes=[{'columns': ['batch_id']}],
    )
}}
-- Grain: batch x school x grade x class (senior stages only) x the labels below: pupils counted.
-- The only scan of the pupil rows: a published batch is counted once and kept until superseded.
with

student as (
    select
        batch_id,
        school_year,
        school_code,
        grade,
        case when grade like '%高中%' then class_name end as class_name,
        entry_month,
        source_type,
        is_migrant,
        is_purchased_place,
        status,
        sex,
        age_years,
        count(*) as pupil_count
    from {{ ref('stg_enrolment__students') }}
    where batch_id in {{ new_batches('students') }}
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
),

-- Every distinct label is cleaned once; different spellings of one label meet again below.
cleaned as (
    select
        batch_id,
        school_year,
        {{ clean('school_code') }} as school_code,
        {{ clean('grade') }} as grade,
        {{ clean('class_name') }} as class_name,
        {{ clean('entry_month') }} as entry_month,
        {{ clean('source_type') }} as source_type,
        coalesce({{ clean('is_migrant') }} = '是', false) as is_migrant,
        coalesce({{ clean('is_purchased_place') }} = '是', false) as has_purchased_place,
        {{ clean('status') }} as status,
        case {{ clean('sex') }} when '女' then 'female' when '男' then 'male' end as sex,
        age_years,
        pupil_count
    from student
)

select
    batch_id,
    school_year,
    {{ period_year('school_year') }} as period_year,
    school_code,
    {{ stage_of_grade('grade') }} as stage,
    {{ grade_number('grade') }} as grade_number,
    class_name,
    entry_month,
    source_type,
    is_migrant,
    has_purchased_place,
    status,
    sex,
    age_years,
    sum(pupil_count)::bigint as pupil_count
from cleaned
group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14
