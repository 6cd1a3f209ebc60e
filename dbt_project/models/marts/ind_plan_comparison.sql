{#-
  Grain: amendment x indicator x region x period: the amended plan's verdict beside the original's.
  An amendment of an amendment is compared with the version it amends.
-#}
with

progress as (
    select * from {{ ref('ind_progress') }}
),

amendment as (
    select * from {{ ref('plan_version') }}
    where amends is not null
),

stated as (
    select plan_version, indicator_code, region_code, stated_in from {{ ref('int_plan__targets') }}
)

select
    amendment.plan_version::text as amended_version,
    amendment.amends::text as original_version,
    amendment.adopted_on::date as adopted_on,
    now.indicator_code::text as indicator_code,
    now.indicator_name_zh::text as indicator_name_zh,
    now.unit::text as unit,
    now.sort_order::int as sort_order,
    now.region_level::text as region_level,
    now.region_code::text as region_code,
    now.county_code::text as county_code,
    now.region_name::text as region_name,
    now.period::text as period,
    now.period_year::int as period_year,
    now.value::numeric(28, 10) as value,
    -- In force is the version of the day a period ends.
    (
        case when now.period like '%-%' then {{ school_year_start('now.period_year + 1') }} - 1
            else make_date(now.period_year, 12, 31) end >= amendment.adopted_on
    )::boolean as is_in_force,
    -- The amendment has a row of its own for this region, or for the city where it has none.
    exists (
        select stated.plan_version from stated
        where stated.plan_version = amendment.plan_version
            and stated.stated_in = amendment.plan_version
            and stated.indicator_code = now.indicator_code
            and stated.region_code in (now.region_code, city.region_code)
    )::boolean as is_amended,
    before.target_2027::numeric(28, 10) as original_target_2027,
    now.target_2027::numeric(28, 10) as amended_target_2027,
    before.trajectory_value::numeric(28, 10) as original_trajectory_value,
    now.trajectory_value::numeric(28, 10) as amended_trajectory_value,
    before.distance::numeric(28, 10) as original_distance,
    now.distance::numeric(28, 10) as amended_distance,
    before.status::text as original_status,
    now.status::text as amended_status,
    before.status_label_zh::text as original_status_label_zh,
    now.status_label_zh::text as amended_status_label_zh,
    (before.status <> now.status)::boolean as is_status_changed
from amendment
inner join progress as now on amendment.plan_version = now.plan_version
inner join progress as before
    on amendment.amends = before.plan_version
    and now.indicator_code = before.indicator_code
    and now.region_code = before.region_code
    and now.period = before.period
inner join {{ ref('region') }} as city on city.region_level = 'city'
