{#- Grain: dataset x rule x region (the city, each county): of the rows of the deliveries that stand or
    wait, how many pass a row rule. A row counts once for each rule that judged it. -#}
{{ config(materialized='view', post_hook=[]) }}
with

judged as (
    select batch_id, dataset, rule_id, severity, dimension, checked_count, failed_count
    from {{ ref('stg_quality__checks') }}
    where level = 'row' and status in ('passed', 'failed')
),

live as (
    select batch_id from {{ source('ops', 'batch') }}
    where status in ('published', 'held')
),

city as (
    select region_code from {{ ref('region') }}
    where region_level = 'city'
),

-- Schools the register does not know are in no county: the counties need not add up to the city.
county as (
    select batch_id, county_code, value as row_count
    from {{ source('quality', 'profile') }}
    where metric = 'row_count' and column_name = '' and county_code <> ''
),

placed as (
    select
        judged.dataset, judged.rule_id, judged.severity, judged.dimension,
        city.region_code, true as is_city, judged.checked_count, judged.failed_count
    from judged
    inner join live using (batch_id)
    cross join city
    union all
    select
        judged.dataset, judged.rule_id, judged.severity, judged.dimension,
        county.county_code as region_code, false as is_city,
        county.row_count::bigint as checked_count,
        coalesce(failed.failed_count, 0) as failed_count
    from judged
    inner join live using (batch_id)
    inner join county using (batch_id)
    left join {{ source('quality', 'county_result') }} as failed
        on judged.batch_id = failed.batch_id and judged.rule_id = failed.rule_id
        and county.county_code = failed.county_code
),

summed as (
    select
        dataset, rule_id, region_code, is_city,
        max(severity) as severity,
        max(dimension) as dimension,
        sum(checked_count) as checked_count,
        sum(failed_count) as failed_count
    from placed
    group by 1, 2, 3, 4
),

open_only as (
    select
        summed.*,
        dataset.title_zh,
        dataset.system,
        dataset.owner,
        case when summed.is_city then dataset.is_city_closed else dataset.is_county_closed end
            as is_closed
    from summed
    inner join {{ ref('int_quality__datasets') }} as dataset using (dataset)
)

select
    open_only.dataset::text as dataset,
    open_only.title_zh::text as dataset_name,
    open_only.system::text as system,
    open_only.owner::text as owner,
    open_only.rule_id::text as rule_id,
    rule.sentence_zh::text as rule_zh,
    coalesce(rule.severity, open_only.severity)::text as severity,
    dimension.dimension::text as dimension,
    dimension.gb_dimension::text as gb_dimension,
    case when open_only.is_city then 'city' else 'county' end::text as region_level,
    open_only.region_code::text as region_code,
    open_only.region_code::text as county_code,
    region.region_name::text as region_name,
    case when not open_only.is_closed then open_only.checked_count end::bigint as checked_count,
    case when not open_only.is_closed then open_only.failed_count end::bigint as failed_count,
    case
        when not open_only.is_closed
            then 100 * (1 - open_only.failed_count / nullif(open_only.checked_count, 0))
    end::numeric(9, 4) as pass_pct
from open_only
inner join {{ ref('region') }} as region on open_only.region_code = region.region_code
left join {{ ref('int_quality__rules') }} as rule
    on open_only.dataset = rule.dataset and open_only.rule_id = rule.rule_id
-- Where a rule changed its severity or dimension between two batches: as it stands.
inner join {{ ref('quality_dimension') }} as dimension
    on coalesce(rule.dimension, open_only.dimension) = dimension.dimension
where {{ is_visible('open_only.region_code') }}
