{#-
  Grain: published figure (indicator x stage x area x year): beside it the city's value of the same
  year, else of the nearest (the later of two equally near). A figure for one stage is set against
  that part of the indicator.
-#}
with

benchmark as (
    select * from {{ ref('benchmark') }}
),

indicator as (
    select * from {{ ref('indicator') }}
)

select
    benchmark.indicator_code::text as indicator_code,
    indicator.indicator_name_zh::text as indicator_name_zh,
    benchmark.stage::text as stage,
    stage.stage_name_zh::text as stage_name_zh,
    benchmark.area::text as area,
    benchmark.period_year::int as period_year,
    (
        row_number() over (
            partition by benchmark.indicator_code, benchmark.stage, benchmark.area
            order by benchmark.period_year desc
        ) = 1
    )::boolean as is_latest,
    benchmark.value::numeric(28, 10) as value,
    benchmark.unit::text as unit,
    city.period::text as city_period,
    city.period_year::int as city_period_year,
    city.value::numeric(28, 10) as city_value,
    (city.value - benchmark.value)::numeric(28, 10) as difference,
    benchmark.published_name_zh::text as published_name_zh,
    benchmark.source_document::text as source_document,
    benchmark.confidence::text as confidence,
    benchmark.note_zh::text as note_zh
from benchmark
inner join indicator using (indicator_code)
inner join {{ ref('stage') }} as stage on benchmark.stage = stage.stage
left join lateral (
    select value.* from {{ ref('ind_value') }} as value
    where value.indicator_code = benchmark.indicator_code
        and value.region_level = 'city'
        and value.value is not null
        and (
            (benchmark.stage = 'all' and value.breakdown = 'all')
            or (value.breakdown = 'stage' and value.breakdown_value = benchmark.stage)
        )
    order by abs(value.period_year - benchmark.period_year), value.period_year desc
    limit 1
) as city on true
