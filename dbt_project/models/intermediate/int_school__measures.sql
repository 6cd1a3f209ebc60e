{#- Grain: reporter x period x stage x measure x sex, unsuppressed: nothing of this schema is for
    publication (see marts.fct_school_measure). Schools report themselves; in earlier years the
    county's sum of its schools is all there is and stands as a county-level row. -#}
{%- set domains = [
    'int_measure__census',
    'int_measure__roll',
    'int_measure__retention',
    'int_measure__staff',
    'int_measure__premises',
    'int_measure__average',
    'int_measure__finance',
    'int_measure__register',
    'int_measure__vocational',
    'int_measure__mobility',
    'int_measure__inclusion',
    'int_measure__wellbeing',
    'int_measure__preschool',
    'int_measure__tasks',
    'int_measure__economy',
    'int_measure__registers',
    'int_measure__admissions',
    'int_measure__platforms',
    'int_measure__deliveries',
] -%}
{#- Models with a column sex: total, female, male. -#}
{%- set by_sex = [
    'int_measure__population',
    'int_measure__by_sex',
    'int_measure__fitness_by_sex',
] -%}
with

measured as (
    {% for domain in domains + by_sex -%}
    select
        reporter_code, reporter_level, period_year, stage, measure_code,
        {{ 'sex' if domain in by_sex else "'total'" }} as sex, value, family, batch_id
    from {{ ref(domain) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

school as (
    select school_code, period_year, county_code, location_county_code
    from {{ ref('int_school__years') }}
),

measure as (
    select measure_code, period_kind from {{ ref('measure') }}
),

-- Sums of an abolished county count for the one it was merged into.
today as (
    select region_code, current_code from {{ ref('int_region__current') }}
),

placed as (
    select
        measured.*,
        measure.period_kind,
        case when today.region_code is not null then today.current_code
            when measured.reporter_level = 'county' then measured.reporter_code
            else school.county_code end as county_code,
        case when today.region_code is not null then today.current_code
            when measured.reporter_level = 'county' then measured.reporter_code
            else school.location_county_code end as location_county_code
    from measured
    left join measure using (measure_code)
    left join today on measured.reporter_code = today.region_code
    left join school
        on measured.reporter_level = 'school'
        and measured.reporter_code = school.school_code
        and measured.period_year = school.period_year
),

-- Where schools report themselves, a county's sum of the same form would count them twice.
flagged as (
    select
        *,
        bool_or(reporter_level = 'school')
            over (partition by family, measure_code, sex, stage, period_year, county_code) as has_schools
    from placed
),

final as (
    select
        reporter_code::text as reporter_code,
        reporter_level::text as reporter_level,
        county_code::text as county_code,
        location_county_code::text as location_county_code,
        period_kind::text as period_kind,
        case period_kind
            when 'fiscal_year' then period_year::text else {{ school_year('period_year') }}
        end as period,
        period_year::int as period_year,
        stage::text as stage,
        measure_code::text as measure_code,
        sex::text as sex,
        value::numeric(28, 10) as value,
        batch_id::bigint as batch_id
    from flagged
    where reporter_level = 'school' or not has_schools
)

select * from final
