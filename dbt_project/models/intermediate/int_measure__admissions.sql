{#- Measures of the admissions platform. Admission year = the school year that begins in it. Quota
    places are the administering county's; city-run schools are the city_run region's. -#}
with

plan as (
    select * from {{ ref('stg_admissions__plans') }}
),

school as (
    select school_code, period_year, county_code, stages from {{ ref('int_school__years') }}
),

-- A quota left blank is unknown: its school is on neither side.
quality as (
    select
        school.county_code,
        plan.admission_year,
        sum(plan.quota_places) as quota_places,
        sum(plan.plan_places) filter (where plan.quota_places is not null) as quality_plan_places
    from plan
    inner join school
        on plan.school_code = school.school_code and plan.admission_year = school.period_year
    where plan.is_quality
    group by 1, 2
),

planned_year as (
    select admission_year, max(batch_id) as batch_id from plan
    where admission_year in (select period_year from school)
    group by 1
),

-- A county without a quality senior high has reported that it has none.
quota as (
    select
        region.region_code as county_code,
        planned_year.admission_year,
        case when quality.county_code is null then 0 else quality.quota_places end as quota_places,
        case when quality.county_code is null then 0 else quality.quality_plan_places end
            as quality_plan_places,
        planned_year.batch_id
    from planned_year
    cross join {{ ref('region') }} as region
    left join quality
        on region.region_code = quality.county_code
        and planned_year.admission_year = quality.admission_year
    where region.region_level in ('county', 'city_run')
),

registered as (
    select
        school_code,
        admission_year,
        count(*) filter (where is_on_platform) as platform_admissions,
        max(batch_id) as batch_id
    from {{ ref('stg_admissions__registrations') }}
    group by 1, 2
),

known_year as (
    select admission_year, max(batch_id) as batch_id from registered
    group by 1
),

-- A school that planned and to which nobody came through the platform has zero, not nothing.
taking_part as (
    select school_code, admission_year from registered
    union
    select plan.school_code, plan.admission_year
    from plan
    inner join known_year using (admission_year)
),

admission as (
    select
        taking_part.school_code,
        taking_part.admission_year,
        case when 'senior' = any(school.stages) then 'senior' else 'vocational' end as stage,
        coalesce(registered.platform_admissions, 0) as platform_admissions,
        coalesce(registered.batch_id, known_year.batch_id) as batch_id
    from taking_part
    inner join known_year using (admission_year)
    inner join school
        on taking_part.school_code = school.school_code
        and taking_part.admission_year = school.period_year
    left join registered
        on taking_part.school_code = registered.school_code
        and taking_part.admission_year = registered.admission_year
    where school.stages && array['senior', 'vocational']
),

final as (
    select
        quota.county_code as reporter_code,
        'county' as reporter_level,
        quota.admission_year as period_year,
        'senior' as stage,
        measure.measure_code,
        measure.value::numeric as value,
        quota.batch_id
    from quota
    cross join lateral (values
        ('quota_places', quota.quota_places),
        ('quality_plan_places', quota.quality_plan_places)
    ) as measure (measure_code, value)
    union all
    select
        school_code, 'school', admission_year, stage, 'platform_admissions',
        platform_admissions::numeric, batch_id
    from admission
)

select
    reporter_code,
    reporter_level,
    period_year,
    stage,
    measure_code,
    value,
    'admissions' as family,
    batch_id
from final
where value is not null
