{#- Grain: indicator x period x dataset x reporter: open quarantined rows of the deliveries an
    indicator rests on. A reporter the register does not know has no county: it counts for the city. -#}
with

live as (
    select distinct indicator_code, period_year from {{ ref('int_indicator__values') }}
),

grain as (
    select dataset, row_is from {{ ref('dataset_grain') }}
),

school as (
    select school_code, period_year, county_code from {{ ref('int_school__years') }}
),

county as (
    select region_code from {{ ref('region') }}
    where region_level <> 'city'
)

select
    live.indicator_code,
    live.period_year,
    held.dataset,
    held.batch_id,
    held.reporter_code,
    coalesce(school.county_code, county.region_code) as county_code,
    coalesce(grain.row_is, 'report') as row_is,
    input.is_in_numerator,
    input.is_in_denominator,
    held.row_count
from {{ ref('stg_quality__quarantined') }} as held
inner join {{ ref('int_indicator__inputs') }} as input using (dataset)
inner join live
    on input.indicator_code = live.indicator_code
    and coalesce(held.batch_year = live.period_year - input.years_back, true)
left join grain using (dataset)
left join school
    on held.reporter_code = school.school_code and live.period_year = school.period_year
left join county on held.reporter_code = county.region_code
