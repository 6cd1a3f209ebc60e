{#- Measures of pupils' health, after-school service and the governance of schools. -#}
with

school as (
    select school_code, period_year, ownership, stages, is_teaching_point
    from {{ ref('int_school__years') }}
    where is_open
),

fitness as (
    select
        reporter_code as school_code, period_year, stage, measure_code,
        sum(value) as value, max(batch_id) as batch_id
    from {{ ref('int_measure__fitness_by_sex') }}
    group by 1, 2, 3, 4
),

-- The latest semester of the year that a school reported, stage by stage.
screening as (
    select
        *,
        semester_number = max(semester_number) over (partition by school_code, period_year, stage)
            as is_latest
    from {{ ref('stg_health__eyesight') }}
),

eyesight as (
    select
        school_code, period_year, stage, max(batch_id) as batch_id,
        sum(screened_count) as vision_screened,
        sum(myopia_count) as myopia_pupils
    from screening
    where is_latest
    group by 1, 2, 3
),

service as (
    select
        *,
        semester_number = max(semester_number) over (partition by school_code, period_year, stage)
            as is_latest
    from {{ ref('stg_services__after_school') }}
),

after_school as (
    select
        school_code, period_year, stage, max(batch_id) as batch_id,
        sum(participant_count) as after_school_pupils
    from service
    where is_latest
    group by 1, 2, 3
),

-- Public schools where the conditions are met are due. The others count with 0 of 0, as do
-- teaching points: they belong to their central school and have no row of their own.
ledger as (
    select
        ledger.school_code,
        ledger.period_year,
        ledger.batch_id,
        (ledger.has_party_conditions and school.ownership = 'public')::int as is_due,
        (
            ledger.has_party_conditions and ledger.is_party_led and school.ownership = 'public'
        )::int as is_led,
        (
            coalesce(ledger.counsellor_full_time_count, 0)
            + coalesce(ledger.counsellor_part_time_count, 0) > 0
        )::int as has_counsellor
    from {{ ref('stg_governance__schools') }} as ledger
    inner join school using (school_code, period_year)
    where not school.is_teaching_point
    union all
    select school.school_code, school.period_year, listed.batch_id, 0, 0, 0
    from school
    inner join (
        select period_year, max(batch_id) as batch_id
        from {{ ref('stg_governance__schools') }}
        group by 1
    ) as listed using (period_year)
    where school.is_teaching_point
),

final as (
    select school_code, period_year, stage, measure_code, value, 'fitness' as family, batch_id
    from fitness
    union all
    select eyesight.school_code, eyesight.period_year, eyesight.stage, measure.*, 'eyesight', eyesight.batch_id
    from eyesight
    cross join lateral (values
        ('vision_screened', eyesight.vision_screened), ('myopia_pupils', eyesight.myopia_pupils)
    ) as measure (measure_code, value)
    union all
    select
        school_code, period_year, stage, 'after_school_pupils', after_school_pupils, 'after_school',
        batch_id
    from after_school
    union all
    select ledger.school_code, ledger.period_year, 'all', measure.*, 'governance', ledger.batch_id
    from ledger
    cross join lateral (values
        ('party_led_schools', ledger.is_led),
        ('party_led_due_schools', ledger.is_due),
        ('schools_with_counsellor', ledger.has_counsellor)
    ) as measure (measure_code, value)
)

select
    school_code as reporter_code,
    'school' as reporter_level,
    period_year,
    stage,
    measure_code,
    value::numeric as value,
    family,
    batch_id
from final
where value is not null and stage is not null
