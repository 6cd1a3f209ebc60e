{#-
  Grain: indicator x period x region: pupil-weighted coefficient of variation between schools.
  Xi = scale x resource / pupils, mean = scale x sum(resource) / sum(pupils),
  S = sqrt(sum(pupils / total x (Xi - mean)^2)), value = S / mean. Population form, no n - 1.
-#}
with

item as (
    select indicator_code, base_indicators as base_code from {{ ref('indicator') }}
    where kind = 'dispersion' and is_computed and parent_code is not null
),

parent as (
    select indicator_code as item_code, parent_code as indicator_code from {{ ref('indicator') }}
    where kind = 'dispersion' and is_computed and parent_code is not null
),

unit as (
    select
        item.indicator_code,
        unit.period_year,
        unit.stage,
        unit.county_code,
        registry.scale * unit.numerator as resource,
        unit.denominator as pupils
    from item
    inner join {{ ref('int_indicator__units') }} as unit
        on item.base_code = unit.indicator_code
        and unit.unit_level = 'school'
        and unit.is_complete
        and unit.sex = 'total'
        and unit.denominator > 0
    inner join {{ ref('indicator') }} as registry on item.base_code = registry.indicator_code
    inner join {{ ref('int_indicator__assessed') }} as assessed
        on unit.unit_code = assessed.school_code
        and unit.period_year = assessed.period_year
        and unit.stage = assessed.stage
),

regional as (
    select unit.*, region.region_level, region.region_code
    from unit
    cross join lateral (
        select 'county' as region_level, unit.county_code as region_code
        union all
        select city.region_level, city.region_code from {{ ref('region') }} as city
        where city.region_level = 'city'
    ) as region
    where region.region_code is not null
),

mean as (
    select
        indicator_code, period_year, region_level, region_code,
        sum(resource) / sum(pupils) as mean,
        sum(pupils) as pupils,
        count(*) as unit_count
    from regional
    group by 1, 2, 3, 4
),

deviation as (
    select
        regional.indicator_code, regional.period_year, regional.region_level, regional.region_code,
        mean.mean,
        mean.unit_count,
        sqrt(sum(
            regional.pupils / mean.pupils
            * power(regional.resource / regional.pupils - mean.mean, 2)
        )) as deviation
    from regional
    inner join mean using (indicator_code, period_year, region_level, region_code)
    group by 1, 2, 3, 4, 5, 6
),

items as (
    select
        indicator_code,
        period_year,
        region_level,
        region_code,
        deviation::numeric(28, 10) as numerator,
        mean::numeric(28, 10) as denominator,
        (deviation / nullif(mean, 0))::numeric(28, 10) as value,
        unit_count
    from deviation
),

-- The headline is the worst of the items: each must pass on its own.
worst as (
    select distinct on (parent.indicator_code, items.period_year, items.region_level, items.region_code)
        parent.indicator_code,
        items.period_year,
        items.region_level,
        items.region_code,
        items.numerator,
        items.denominator,
        items.value,
        items.unit_count
    from items
    inner join parent on items.indicator_code = parent.item_code
    order by
        parent.indicator_code, items.period_year, items.region_level, items.region_code,
        items.value desc nulls last, items.indicator_code
)

select * from items
union all
select * from worst
