{#- Grain: reporter x period x stage x measure x sex. -#}
with

school as (
    select distinct on (school_code) school_code, school_name from {{ ref('dim_school') }}
    order by school_code, valid_to_school_year desc
)

select
    measure.measure_code,
    measure.measure_name_zh,
    measure.unit,
    fact.reporter_level,
    level.label_zh as reporter_level_label,
    fact.reporter_code,
    coalesce(school.school_name, reporter.region_name) as reporter_name,
    fact.county_code,
    county.region_name as county_name,
    fact.location_county_code,
    fact.period_kind,
    fact.period,
    fact.period_year,
    {{ period_start('fact.period') }} as period_start_date,
    {{ period_end('fact.period') }} as period_end_date,
    fact.period_year = measure.latest_period_year as is_latest,
    fact.stage,
    stage.stage_name_zh,
    fact.sex,
    sex.label_zh as sex_label,
    fact.value,
    fact.is_suppressed
from {{ ref('fct_school_measure') }} as fact
inner join {{ ref('dim_measure') }} as measure using (measure_code)
inner join {{ ref('dim_stage') }} as stage on fact.stage = stage.stage
left join school on fact.reporter_code = school.school_code
left join {{ ref('dim_region') }} as reporter on fact.reporter_code = reporter.region_code
left join {{ ref('dim_region') }} as county on fact.county_code = county.region_code
{{ join_label('level', 'region_level', 'fact.reporter_level') }}
{{ join_label('sex', 'sex', 'fact.sex') }}
