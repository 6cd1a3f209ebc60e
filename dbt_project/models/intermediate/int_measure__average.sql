{#-
  Pupils of a fiscal year: (8 x school year before + 4 x school year starting in it) / 12.
  The one place where fiscal and school years meet. Both school years must be known.
  `roll_avg` by school (学籍), `pupils_avg` by county (教基; senior and vocational from 学籍).
-#}
{%- set before = var('months_previous_school_year') -%}
{%- set this = var('months_this_school_year') -%}
with

school as (
    select school_code, period_year, county_code from {{ ref('int_school__years') }}
),

roll as (
    select reporter_code, period_year, stage, value, batch_id
    from {{ ref('int_measure__roll') }}
    where measure_code = 'roll'
),

census as (
    select reporter_code, reporter_level, period_year, stage, value, batch_id
    from {{ ref('int_measure__census') }}
    where measure_code = 'pupils'
),

placed as (
    select
        case when census.reporter_level = 'county' then census.reporter_code else school.county_code end
            as reporter_code,
        census.period_year,
        census.stage,
        census.value,
        census.batch_id,
        census.reporter_level
    from census
    left join school
        on census.reporter_code = school.school_code and census.period_year = school.period_year
),

-- Where schools report themselves, a county's sum of the same form would count them twice.
flagged as (
    select
        *,
        bool_or(reporter_level = 'school')
            over (partition by reporter_code, period_year, stage) as has_schools
    from placed
),

county_part as (
    select reporter_code, period_year, stage, value, batch_id
    from flagged
    where reporter_level = 'school' or not has_schools
    union all
    select school.county_code, roll.period_year, roll.stage, roll.value, roll.batch_id
    from roll
    inner join school
        on roll.reporter_code = school.school_code and roll.period_year = school.period_year
    where roll.stage in ('senior', 'vocational')
),

county as (
    select reporter_code, period_year, stage, sum(value) as value, max(batch_id) as batch_id
    from county_part
    where reporter_code is not null
    group by 1, 2, 3
),

-- A school whose code has changed is followed by its first code, as long as it stands alone.
followed as (
    select
        roll.*,
        case
            when count(*) over (
                partition by coalesce(lineage.lineage_code, roll.reporter_code), roll.period_year, roll.stage
            ) = 1 then coalesce(lineage.lineage_code, roll.reporter_code)
            else roll.reporter_code
        end as pair_code
    from roll
    left join {{ ref('int_school__lineage') }} as lineage on roll.reporter_code = lineage.school_code
),

yearly as (
    select 'roll_avg' as measure_code, 'school' as reporter_level, followed.* from followed
    union all
    select 'pupils_avg', 'county', county.*, county.reporter_code from county
),

final as (
    select
        this_year.reporter_code,
        this_year.reporter_level,
        this_year.period_year,
        this_year.stage,
        this_year.measure_code,
        (
            ({{ before }} * last_year.value + {{ this }} * this_year.value) / {{ before + this }}.0
        )::numeric(28, 10) as value,
        'average' as family,
        this_year.batch_id
    from yearly as this_year
    inner join yearly as last_year
        on this_year.measure_code = last_year.measure_code
        and this_year.pair_code = last_year.pair_code
        and this_year.stage = last_year.stage
        and this_year.period_year = last_year.period_year + 1
)

select * from final
