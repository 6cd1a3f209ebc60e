{#-
  Grain: indicator x region x period x contributor, the ten that move the region's value most.
  Influence is the value less what it would be without the contributor (leave one out). Built from
  published rows only, so what is suppressed stays so.
-#}
with

indicator as (
    select
        indicator_code,
        scale,
        kind,
        kind in ('count', 'amount') as is_sum
    from {{ ref('indicator') }}
    where is_computed and kind in ('ratio', 'cohort', 'attainment', 'count', 'amount')
),

published as (
    select value.*, indicator.scale, indicator.is_sum
    from {{ ref('ind_value') }} as value
    inner join indicator using (indicator_code)
    where value.breakdown = 'all' and value.numerator is not null
),

city as (
    select region_code from {{ ref('region') }}
    where region_level = 'city'
),

placed as (
    select published.*, published.county_code as parent_code
    from published
    where published.region_level = 'school'
    union all
    select published.*, city.region_code as parent_code
    from published
    cross join city
    where published.region_level in ('school', 'county')
),

-- The city is made of its schools where they are known, else of its counties.
has_schools as (
    select distinct indicator_code, period_year from published
    where region_level = 'school'
),

compared as (
    select
        whole.indicator_code,
        whole.region_level,
        whole.region_code,
        whole.period,
        whole.period_year,
        part.region_level as contributor_level,
        part.region_code as contributor_code,
        part.county_code,
        part.region_name as contributor_name,
        part.numerator,
        part.denominator,
        part.value as contributor_value,
        case
            when whole.is_sum then part.value
            else whole.value - whole.scale * (whole.numerator - part.numerator)
                / nullif(whole.denominator - part.denominator, 0)
        end as influence
    from published as whole
    inner join placed as part
        on whole.indicator_code = part.indicator_code
        and whole.period_year = part.period_year
        and whole.region_code = part.parent_code
    left join has_schools
        on part.indicator_code = has_schools.indicator_code
        and part.period_year = has_schools.period_year
    where whole.region_level in ('city', 'county')
        and whole.value is not null
        and (part.region_level = 'school' or has_schools.indicator_code is null)
),

ranked as (
    select
        *,
        row_number() over (
            partition by indicator_code, region_code, period_year
            order by abs(influence) desc, contributor_code
        ) as influence_rank
    from compared
    where influence <> 0
)

select
    ranked.indicator_code::text as indicator_code,
    ranked.region_level::text as region_level,
    ranked.region_code::text as region_code,
    ranked.period::text as period,
    ranked.period_year::int as period_year,
    ranked.influence_rank::int as influence_rank,
    ranked.contributor_level::text as contributor_level,
    ranked.contributor_code::text as contributor_code,
    ranked.county_code::text as county_code,
    ranked.contributor_name::text as contributor_name,
    ranked.numerator::numeric(28, 10) as numerator,
    ranked.denominator::numeric(28, 10) as denominator,
    ranked.contributor_value::numeric(28, 10) as contributor_value,
    before.value::numeric(28, 10) as contributor_value_before,
    ranked.influence::numeric(28, 10) as influence
from ranked
left join published as before
    on ranked.indicator_code = before.indicator_code
    and ranked.contributor_code = before.region_code
    and ranked.period_year = before.period_year + 1
where ranked.influence_rank <= 10
