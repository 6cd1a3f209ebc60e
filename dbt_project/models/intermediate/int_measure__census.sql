{#- Measures of the 教基 pupil and class forms, by reporter x school year x stage. -#}
{%- set bands = ['c_le25', 'c_26_30', 'c_31_35', 'c_36_40', 'c_41_45', 'c_46_50'] -%}
with

primary_form as (
    select
        reporter_code, reporter_level, period_year, 'primary' as stage, max(batch_id) as batch_id,
        sum(enrolment) filter (where row_name = '总计') as pupils,
        sum(enrolment_female) filter (where row_name = '总计') as pupils_female,
        sum(entrants) filter (where row_name = '总计') as entrants,
        sum(graduates) filter (where row_name = '总计') as graduates,
        sum(grade_6) filter (where row_name = '总计') as final_grade_pupils,
        sum(enrolment) filter (where row_name = '#寄宿生') as pupils_boarding,
        sum(enrolment) filter (where row_name = '#随迁子女') as pupils_migrant,
        sum(enrolment) filter (where row_name = '#农村留守儿童') as pupils_left_behind
    from {{ ref('stg_census__jj3112') }}
    group by 1, 2, 3
),

junior_form as (
    select
        reporter_code, reporter_level, period_year, 'junior' as stage, max(batch_id) as batch_id,
        sum(enrolment) filter (where row_name = '总计') as pupils,
        sum(enrolment_female) filter (where row_name = '总计') as pupils_female,
        sum(entrants) filter (where row_name = '总计') as entrants,
        sum(graduates) filter (where row_name = '总计') as graduates,
        sum(grade_9) filter (where row_name = '总计') as final_grade_pupils,
        sum(enrolment) filter (where row_name = '#寄宿生') as pupils_boarding,
        sum(enrolment) filter (where row_name = '#随迁子女') as pupils_migrant,
        sum(enrolment) filter (where row_name = '#农村留守儿童') as pupils_left_behind
    from {{ ref('stg_census__jj3115') }}
    group by 1, 2, 3
),

pupils as (
    select form.reporter_code, form.reporter_level, form.period_year, form.stage, form.batch_id, measure.*
    from (select * from primary_form union all select * from junior_form) as form
    cross join lateral (values
        ('pupils', form.pupils),
        ('pupils_female', form.pupils_female),
        ('entrants', form.entrants),
        ('graduates', form.graduates),
        ('final_grade_pupils', form.final_grade_pupils),
        ('pupils_boarding', form.pupils_boarding),
        ('pupils_migrant', form.pupils_migrant),
        ('pupils_left_behind', form.pupils_left_behind)
    ) as measure (measure_code, value)
),

class_form as (
    select *, 'primary' as stage, {{ total(bands[:5]) }} as standard
    from {{ ref('stg_census__jj2106') }}
    union all
    select *, 'junior' as stage, {{ total(bands) }} as standard
    from {{ ref('stg_census__jj2107') }}
),

class_total as (
    select
        reporter_code, reporter_level, period_year, stage, max(batch_id) as batch_id,
        sum(classes) as classes,
        -- Where the number of classes is given, a blank size band holds none of them.
        sum(coalesce(standard, 0)) as classes_standard,
        sum(coalesce({{ total(['c_56_60', 'c_61_65', 'c_ge66']) }}, 0)) as classes_large,
        sum(coalesce(c_ge66, 0)) as classes_oversize
    from class_form
    where row_name = '总计' and classes is not null
    group by 1, 2, 3, 4
),

classes as (
    select form.reporter_code, form.reporter_level, form.period_year, form.stage, form.batch_id, measure.*
    from class_total as form
    cross join lateral (values
        ('classes', form.classes),
        ('classes_standard', form.classes_standard),
        ('classes_large', form.classes_large),
        ('classes_oversize', form.classes_oversize)
    ) as measure (measure_code, value)
),

preschool_form as (
    select
        reporter_code, reporter_level, period_year, 'preschool' as stage,
        max(batch_id) as batch_id,
        -- 托班 is childcare below three years: never part of the three preschool years.
        sum(children) filter (where row_name in ('小班', '中班', '大班', '混合班')) as pupils,
        sum(children) filter (where row_name = '总计') as children_all,
        sum(children) filter (where row_name = '总计' and sheet_type like '附设%')
            as children_attached,
        sum(classes) filter (where row_name in ('小班', '中班', '大班', '混合班')) as classes,
        sum(coalesce(case row_name
            when '小班' then {{ total(['c_le20', 'c_21_25']) }}
            when '中班' then {{ total(['c_le20', 'c_21_25', 'c_26_30']) }}
            when '大班' then {{ total(['c_le20', 'c_21_25', 'c_26_30', 'c_31_35']) }}
            when '混合班' then {{ total(['c_le20', 'c_21_25', 'c_26_30']) }}
        end, 0)) filter (
            where row_name in ('小班', '中班', '大班', '混合班') and classes is not null
        ) as classes_standard,
        case when bool_or(sheet_type not like '附设%') and reporter_level = 'school' then 1 end
            as kindergartens,
        case when bool_or(sheet_type not like '附设%') and reporter_level = 'school'
            then (coalesce(sum(classes) filter (where row_name = '托班'), 0) > 0)::int
        end as kindergartens_with_nursery
    from {{ ref('stg_census__jj2105') }}
    group by 1, 2, 3
),

-- Who runs the kindergarten, and whether it is recognised, is known for schools only.
preschool_owned as (
    select
        form.*,
        case
            when school.ownership = 'public' then form.pupils
            when school.ownership = 'private' then 0
        end as pupils_public,
        case when school.is_inclusive then form.pupils when not school.is_inclusive then 0 end
            as pupils_inclusive
    from preschool_form as form
    left join {{ ref('int_school__years') }} as school
        on form.reporter_code = school.school_code and form.period_year = school.period_year
),

preschool as (
    select form.reporter_code, form.reporter_level, form.period_year, form.stage, form.batch_id, measure.*
    from preschool_owned as form
    cross join lateral (values
        ('pupils', form.pupils),
        ('children_all', form.children_all),
        ('children_attached', form.children_attached),
        ('pupils_public', form.pupils_public),
        ('pupils_inclusive', form.pupils_inclusive),
        ('classes', form.classes),
        ('classes_standard', form.classes_standard),
        ('kindergartens', form.kindergartens),
        ('kindergartens_with_nursery', form.kindergartens_with_nursery)
    ) as measure (measure_code, value)
),

final as (
    select *, 'census_pupils' as family from pupils
    union all
    select *, 'census_classes' as family from classes
    union all
    select *, 'census_preschool' as family from preschool
)

select
    reporter_code,
    reporter_level,
    period_year,
    stage,
    measure_code,
    value,
    family,
    batch_id
from final
where value is not null
