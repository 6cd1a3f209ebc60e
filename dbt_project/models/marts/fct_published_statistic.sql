{#- Grain: source x series x region x year: figures others have published (国家统计局), as they stand.
    A year that was left blank has no row. -#}
with

funding as (
    select
        '国家统计局 分省年度数据' as source_name,
        '教育经费' as series_name,
        region_name,
        calendar_year,
        amount_10k_yuan as value,
        '万元' as unit,
        batch_id
    from {{ ref('stg_nbs__education_funding') }}
),

enrolment as (
    select
        '国家统计局 年度数据' as source_name,
        indicator_name as series_name,
        '全国' as region_name,
        calendar_year,
        value_10k_persons as value,
        '万人' as unit,
        batch_id
    from {{ ref('stg_nbs__enrolment') }}
),

final as (
    select * from funding
    union all
    select * from enrolment
)

select
    source_name::text as source_name,
    series_name::text as series_name,
    region_name::text as region_name,
    calendar_year::int as calendar_year,
    value::numeric(28, 10) as value,
    unit::text as unit,
    batch_id::bigint as batch_id
from final
where value is not null
