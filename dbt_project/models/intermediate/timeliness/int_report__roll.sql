{#- Grain: school x school year x stage: who is on the register. Its rows are replaced in place, never
    the table: the views on it stay readable while the warehouse is built, and when a build fails. -#}
{{ config(
    materialized='incremental',
    pre_hook="{% if is_incremental() %}delete from {{ this }}{% else %}select 1{% endif %}",
) }}
select
    stage.school_code,
    stage.period_year,
    stage.stage,
    school.school_name,
    stage.county_code,
    stage.is_teaching_point
from {{ ref('int_school__stages') }} as stage
inner join {{ ref('int_school__years') }} as school using (school_code, period_year)
