{#- Measures of teachers: 教基 4149 and 4155, and the teacher system (在职 full-time teachers). -#}
{%- set degrees = ['高中以下', '高中阶段', '专科', '本科', '硕士研究生', '博士研究生'] -%}
with

form_4155 as (
    select
        reporter_code,
        reporter_level,
        period_year,
        -- One sheet per stage: 教基4155_小学 and 教基4155_初中 (or their county sums).
        case when sheet_type like '小学%' then 'primary' when sheet_type like '初中%' then 'junior' end
            as stage,
        row_name,
        total,
        case when total is not null
            then coalesce({{ total(['c_pe', 'c_music', 'c_fine_art', 'c_art']) }}, 0) end as pe_art,
        batch_id
    from {{ ref('stg_census__jj4155') }}
),

census_stage as (
    select
        reporter_code, reporter_level, period_year, stage, max(batch_id) as batch_id,
        sum(total) filter (where row_name = '总计') as teachers,
        -- The balance rule: 专科 and above in primary, 本科 and above in junior schools.
        sum(total) filter (
            where row_name in ('本科', '硕士研究生', '博士研究生')
            or (row_name = '专科' and stage = 'primary')
        ) as teachers_above_balanced,
        sum(pe_art) filter (where row_name = '总计') as teachers_pe_art
    from form_4155
    where stage is not null
    group by 1, 2, 3, 4
),

census as (
    select form.reporter_code, form.reporter_level, form.period_year, form.stage, form.batch_id, measure.*
    from census_stage as form
    cross join lateral (values
        ('teachers', form.teachers),
        ('teachers_above_balanced', form.teachers_above_balanced),
        ('teachers_pe_art', form.teachers_pe_art)
    ) as measure (measure_code, value)
),

staff_form as (
    select
        reporter_code, reporter_level, period_year, max(batch_id) as batch_id,
        sum(staff) filter (where row_name = '总计') as staff,
        sum(teachers) filter (where row_name = '总计') as staff_teachers,
        sum(staff) filter (where row_name = '#在编人员') as staff_established
    from {{ ref('stg_census__jj4149') }}
    group by 1, 2, 3
),

staff as (
    select form.reporter_code, form.reporter_level, form.period_year, 'all' as stage, form.batch_id, measure.*
    from staff_form as form
    cross join lateral (values
        ('staff', form.staff),
        ('staff_teachers', form.staff_teachers),
        ('staff_established', form.staff_established)
    ) as measure (measure_code, value)
),

teacher as (
    select
        *,
        array_position(array{{ degrees }}::text[], highest_degree) as degree_rank
    from {{ ref('stg_staff__teachers') }}
    where post_status = '在职' and staff_type = '专任教师' and stage is not null
),

-- Ranks: 1 高中以下, 2 高中阶段, 3 专科, 4 本科, 5 硕士, 6 博士.
person_stage as (
    select
        school_code, period_year, stage, max(batch_id) as batch_id,
        count(*) as tea_teachers,
        count(*) filter (where degree_rank >= case stage
            when 'preschool' then 2 when 'primary' then 2 when 'junior' then 3 else 4
        end) as tea_qualified,
        -- The bulletin's 高于规定学历: 本科 in primary, unlike the balance rule.
        count(*) filter (where degree_rank >= case stage
            when 'preschool' then 3 when 'primary' then 4 when 'junior' then 4 else 5
        end) as tea_above_required,
        count(*) filter (where degree_rank >= 5) as tea_postgraduate,
        count(*) filter (where has_certificate) as tea_certified,
        count(*) filter (
            where backbone_level in ('县级', '市级', '自治区级', '国家级')
            and coalesce(backbone_until_date >= {{ school_year_start('period_year') }}, true)
        ) as tea_backbone,
        -- Who has served less than five years owes 72 hours for each full year.
        count(*) filter (
            where training_hours >= 72 * least(5, greatest(0, coalesce(
                period_year - left(work_start_month, 4)::int
                - (right(work_start_month, 2) > '09')::int,
                5
            )))
        ) as tea_trained
    from teacher
    group by 1, 2, 3
),

person as (
    select
        form.school_code as reporter_code,
        'school' as reporter_level,
        form.period_year,
        form.stage,
        form.batch_id,
        measure.measure_code,
        measure.value::numeric as value
    from person_stage as form
    cross join lateral (values
        ('tea_teachers', form.tea_teachers),
        ('tea_qualified', form.tea_qualified),
        ('tea_above_required', form.tea_above_required),
        ('tea_postgraduate', form.tea_postgraduate),
        ('tea_certified', form.tea_certified),
        ('tea_backbone', form.tea_backbone),
        ('tea_trained', form.tea_trained)
    ) as measure (measure_code, value)
),

final as (
    select *, 'census_teachers' as family from census
    union all
    select *, 'census_staff' as family from staff
    union all
    select *, 'teachers' as family from person
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
