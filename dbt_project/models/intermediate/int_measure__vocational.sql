{#- Programmes, dual-qualified teachers and conditions of vocational schools; a school that did not
    report has no row. -#}
with

programme as (
    select * from {{ ref('stg_vocational__programmes') }}
),

-- The directory has no dates: the list in force speaks for every year. Without one nothing matches
-- and nothing fails to match: there is no value.
directory as (
    select distinct programme_code, true as is_listed from {{ ref('stg_vocational__directory') }}
),

known_directory as (
    select max(batch_id) as batch_id from {{ ref('stg_vocational__directory') }}
),

programme_school as (
    select
        programme.school_code,
        programme.period_year,
        count(*) filter (where programme.is_operating) as programmes,
        case when max(known_directory.batch_id) is not null
            then count(*) filter (where programme.is_operating and directory.is_listed) end as matched,
        max(programme.batch_id) as batch_id
    from programme
    cross join known_directory
    left join directory on programme.programme_code = directory.programme_code
    group by 1, 2
),

-- Dual-qualified: recognised on or before 1 September and not lapsed; no date, no proof.
teacher_school as (
    select
        school_code,
        period_year,
        count(*) filter (where is_special) as special_teachers,
        count(*) filter (
            where is_special
            and dual_level in ('初级', '中级', '高级')
            and recognised_date <= {{ school_year_start('period_year') }}
            and coalesce(valid_to_date >= {{ school_year_start('period_year') }}, true)
        ) as dual_teachers,
        max(batch_id) as batch_id
    from {{ ref('stg_vocational__teachers') }}
    group by 1, 2
),

condition as (
    select * from {{ ref('stg_vocational__conditions') }}
),

item_list as (
    select period_year, count(distinct item) as items from condition
    group by 1
),

-- One item failed is enough for no; an item missing or undecided leaves it open: no row.
condition_school as (
    select
        condition.school_code,
        condition.period_year,
        case
            when bool_or(not condition.is_met) then 0
            when count(distinct condition.item) filter (where condition.is_met) = max(item_list.items)
                then 1
        end as meeting,
        max(condition.batch_id) as batch_id
    from condition
    inner join item_list using (period_year)
    group by 1, 2
),

final as (
    select school_code, period_year, 'voc_programmes' as measure_code, programmes as value, batch_id
    from programme_school
    union all
    select school_code, period_year, 'voc_programmes_matched', matched, batch_id
    from programme_school
    union all
    select school_code, period_year, 'voc_special_teachers', special_teachers, batch_id
    from teacher_school
    union all
    select school_code, period_year, 'voc_dual_teachers', dual_teachers, batch_id
    from teacher_school
    union all
    select school_code, period_year, 'voc_schools_meeting', meeting, batch_id
    from condition_school
)

select
    school_code as reporter_code,
    'school' as reporter_level,
    period_year,
    'vocational' as stage,
    measure_code,
    value::numeric as value,
    'vocational' as family,
    batch_id
from final
where value is not null
