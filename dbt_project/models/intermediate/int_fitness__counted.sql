{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook="{{ drop_superseded('fitness') }}",
    )
}}
-- Grain: batch x school x stage x sex x level: pupils counted; those without a level (exempt, not
-- tested) have none. The only scan of the pupil rows: a published batch is counted once.
with

pupil as (
    select batch_id, school_year, school_code, grade_code, sex, is_exempt, level, count(*) as pupil_count
    from {{ ref('stg_health__fitness') }}
    where batch_id in {{ new_batches('fitness') }}
    group by 1, 2, 3, 4, 5, 6, 7
),

-- Every distinct label is cleaned once; different spellings of one label meet again below.
-- Grade codes: 11 to 16 primary, 21 to 23 junior, 31 to 33 senior schools.
cleaned as (
    select
        batch_id,
        {{ period_year('school_year') }} as period_year,
        {{ clean('school_code') }} as school_code,
        case left({{ clean('grade_code') }}, 1)
            when '1' then 'primary' when '2' then 'junior' when '3' then 'senior'
        end as stage,
        case {{ clean('sex') }} when '1' then 'male' when '2' then 'female' end as sex,
        case when coalesce({{ clean('is_exempt') }}, '否') <> '是' then {{ clean('level') }} end
            as level,
        pupil_count
    from pupil
)

select
    batch_id,
    period_year,
    school_code,
    stage,
    sex,
    case when level in ('优秀', '良好', '及格', '不及格') then level end as level,
    sum(pupil_count)::bigint as pupil_count
from cleaned
group by 1, 2, 3, 4, 5, 6
