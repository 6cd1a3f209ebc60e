{#- Grain: school x period x stage that takes part in the assessment of balance: no special or
    vocational schools, no teaching points below fifty pupils. -#}
with

pupils as (
    select reporter_code as school_code, period_year, stage, value as pupils
    from {{ ref('int_measure__census') }}
    where measure_code = 'pupils' and reporter_level = 'school'
)

select
    stage.school_code,
    stage.period_year,
    stage.stage,
    stage.county_code,
    pupils.pupils
from {{ ref('int_school__stages') }} as stage
left join pupils using (school_code, period_year, stage)
where stage.is_assessed_type
    and (
        not stage.is_teaching_point
        or coalesce(pupils.pupils, 0) >= {{ var('assessed_pupils_minimum') }}
    )
