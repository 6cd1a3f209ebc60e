{#- Population of the age groups on 1 September, residents (population) and registered persons
    (population_hukou), by county x school year x sex; stage = whose age it is. -#}
with

age as (
    select
        region_name, age_years, population_count, period_year, batch_id,
        'population' as measure_code,
        case sex when '合计' then 'total' when '女' then 'female' when '男' then 'male' end as part
    from {{ ref('stg_population__ages') }}
    union all
    select
        region_name, age_years, population_count, period_year, batch_id,
        'population_hukou' as measure_code,
        'total' as part
    from {{ ref('stg_population__registered') }}
),

region as (
    select * from {{ ref('region') }}
    where region_level = 'county'
),

stage (stage, age_from, age_to) as (
    values ('preschool', 3, 5), ('primary', 6, 11), ('junior', 12, 14), ('senior', 15, 17)
)

select
    region.region_code as reporter_code,
    'county' as reporter_level,
    age.period_year,
    stage.stage,
    age.measure_code,
    age.part as sex,
    sum(age.population_count) as value,
    'population' as family,
    max(age.batch_id) as batch_id
from age
inner join region on age.region_name = region.region_name
inner join stage on age.age_years between stage.age_from and stage.age_to
where age.part is not null
group by 1, 2, 3, 4, 5, 6
-- A missing single year would understate the whole group.
having count(age.population_count) = max(stage.age_to) - min(stage.age_from) + 1
