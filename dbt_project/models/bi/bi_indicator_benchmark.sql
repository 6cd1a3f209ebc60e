{#- Grain: indicator x stage x area x year. -#}
select
    indicator.indicator_code,
    indicator.indicator_name_zh,
    indicator.indicator_name_en,
    indicator.unit,
    indicator.unit_label,
    benchmark.stage,
    benchmark.stage_name_zh,
    benchmark.area,
    benchmark.period_year,
    benchmark.is_latest,
    benchmark.value,
    benchmark.city_period,
    benchmark.city_period_year,
    {{ period_start('benchmark.city_period') }} as city_period_start_date,
    {{ period_end('benchmark.city_period') }} as city_period_end_date,
    benchmark.city_value,
    benchmark.difference,
    benchmark.published_name_zh,
    benchmark.source_document,
    benchmark.confidence,
    benchmark.note_zh
from {{ ref('ind_benchmark') }} as benchmark
inner join {{ ref('dim_indicator') }} as indicator using (indicator_code)
