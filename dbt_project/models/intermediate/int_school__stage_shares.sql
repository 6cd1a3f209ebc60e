{#-
  Share of a school's common resources that belongs to each of its stages.
  A pupil weighs 1 in primary, 1.1 in junior and 1.32 (= 1.1 x 1.2) in senior classes, so nine-year
  schools divide 1:1.1, complete schools 1:1.2 and twelve-year schools 1:1.1:1.32 per pupil, and the
  parts always add back to the whole. `basis` says which pupil numbers divide: `census` (教基, senior
  from 学籍) for premises, `average` (fiscal-year average of 学籍) for money.
-#}
with

school as (
    select school_code, period_year, stages from {{ ref('int_school__years') }}
    -- Special schools have a standard of their own and are never divided.
    where school_type_code not like '5%'
),

pupils as (
    select 'census' as basis, reporter_code as school_code, period_year, stage, value as pupils
    from {{ ref('int_measure__census') }}
    where measure_code = 'pupils' and reporter_level = 'school' and stage in ('primary', 'junior')
    union all
    select 'census' as basis, reporter_code as school_code, period_year, stage, value as pupils
    from {{ ref('int_measure__roll') }}
    where measure_code = 'roll' and stage = 'senior'
    union all
    select 'average' as basis, reporter_code as school_code, period_year, stage, value as pupils
    from {{ ref('int_measure__average') }}
    where measure_code = 'roll_avg'
),

basis (basis) as (
    values ('census'), ('average')
),

-- Stages of the school's type, plus any attached stage that really has pupils.
stage as (
    select basis.basis, school.school_code, school.period_year, stage.stage
    from school
    cross join basis
    cross join unnest(school.stages) as stage (stage)
    where stage.stage in ('primary', 'junior', 'senior')
    union
    select pupils.basis, pupils.school_code, pupils.period_year, pupils.stage
    from pupils
    inner join school using (school_code, period_year)
    where pupils.stage in ('primary', 'junior', 'senior') and pupils.pupils > 0
),

weighted as (
    select
        stage.basis,
        stage.school_code,
        stage.period_year,
        stage.stage,
        pupils.pupils,
        pupils.pupils * case stage.stage
            when 'primary' then {{ var('weight_primary') }}
            when 'junior' then {{ var('weight_junior') }}
            when 'senior' then {{ var('weight_senior') }}
        end as weighted_pupils
    from stage
    left join pupils using (basis, school_code, period_year, stage)
),

final as (
    select
        basis,
        school_code,
        period_year,
        stage,
        pupils,
        -- Unknown pupils of any stage leave every share unknown.
        case
            when bool_and(weighted_pupils is not null) over school_period
                then weighted_pupils / nullif(sum(weighted_pupils) over school_period, 0)
        end as share
    from weighted
    window school_period as (partition by basis, school_code, period_year)
)

select * from final
where share is not null
