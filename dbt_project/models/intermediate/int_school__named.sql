{#-
  Grain: county and school as a list names them x school year: the school that is meant. By code,
  else by exact name (in the list's county, else anywhere), else as the end of one name only of the
  list's county, else through the code that the school had before or after. What fits several
  schools stays out.
-#}
with

mention as (
    select county_name, school_name from {{ ref('stg_lists__star_schools') }}
    union
    select county_name, school_name from {{ ref('stg_lists__groups') }}
    union
    select county_name, lead_school_name from {{ ref('stg_lists__groups') }}
    union
    select county_name, school_name from {{ ref('stg_lists__recognitions') }}
    union
    select county_name, school_name from {{ ref('stg_lists__support_agreements') }}
),

placed as (
    select mention.*, region.region_code as county_code
    from mention
    left join {{ ref('region') }} as region
        on mention.county_name in (region.region_name, region.finance_name)
    where mention.school_name is not null
),

school as (
    select school_code, school_name, period_year, county_code, predecessor_code
    from {{ ref('int_school__years') }}
    where is_open
),

candidate as (
    select placed.county_name, placed.school_name, school.period_year, school.school_code, 1 as rank
    from placed
    inner join school on placed.school_name = school.school_code
    union all
    select placed.county_name, placed.school_name, school.period_year, school.school_code, 2 as rank
    from placed
    inner join school
        on placed.school_name = school.school_name and placed.county_code = school.county_code
    union all
    select placed.county_name, placed.school_name, school.period_year, school.school_code, 3 as rank
    from placed
    inner join school on placed.school_name = school.school_name
    union all
    select placed.county_name, placed.school_name, school.period_year, school.school_code, 4 as rank
    from placed
    inner join school
        on placed.county_code = school.county_code
        and placed.school_name = right(school.school_name, length(placed.school_name))
),

ranked as (
    select
        *,
        rank() over (partition by county_name, school_name, period_year order by rank) as place,
        count(*) over (partition by county_name, school_name, period_year, rank) as twins
    from candidate
),

direct as (
    select county_name, school_name, period_year, school_code from ranked
    where place = 1 and twins = 1
),

link as (
    select school_code, predecessor_code as other_code from school
    where predecessor_code is not null
    union
    select predecessor_code, school_code from school
    where predecessor_code is not null
),

-- A list written with today's names also speaks for the years before the code changed.
through_code_change as (
    select direct.county_name, direct.school_name, school.period_year, min(school.school_code) as school_code
    from direct
    inner join link on direct.school_code = link.school_code
    inner join school on link.other_code = school.school_code
    where not exists (
        select 1 from ranked
        where ranked.county_name = direct.county_name
            and ranked.school_name = direct.school_name
            and ranked.period_year = school.period_year
    )
    group by 1, 2, 3
    having count(distinct school.school_code) = 1
)

select * from direct
union all
select * from through_code_change
