{{ config(materialized='view', post_hook=[]) }}
{#- Grain: dataset: its contract as it stands, and the one its last publication was judged by. Row
    counts of lists of persons that small cells are hidden of are closed: a list's length less a
    published count would tell the hidden one. -#}
with

latest as (
    select distinct on (dataset) dataset, contract_hash, version, title_zh, system, owner, steward
    from {{ source('quality', 'contract') }}
    order by dataset, last_seen_at desc, first_seen_at desc
),

published as (
    select distinct on (dataset) dataset, contract_hash, published_at
    from {{ source('ops', 'batch') }}
    where status in ('published', 'superseded') and published_at is not null
    order by dataset, published_at desc, batch_id desc
),

hidden as (
    select
        input.dataset,
        bool_or(not suppression.is_city_open) as is_city_closed,
        bool_or(not suppression.is_county_open) as is_county_closed
    from {{ ref('int_indicator__inputs') }} as input
    inner join {{ ref('int_suppression__indicators') }} as suppression using (indicator_code)
    where input.is_in_numerator or input.is_in_denominator
    group by input.dataset
),

persons as (
    select distinct dataset, contract_hash
    from {{ source('quality', 'contract_column') }}
    where personal is not null
)

select
    latest.dataset,
    latest.contract_hash,
    latest.version,
    latest.title_zh,
    latest.system,
    latest.owner,
    latest.steward,
    published.contract_hash as published_hash,
    published.published_at,
    coalesce(persons.dataset is not null and hidden.is_city_closed, false) as is_city_closed,
    coalesce(
        persons.dataset is not null and (hidden.is_city_closed or hidden.is_county_closed), false
    ) as is_county_closed
from latest
left join published on latest.dataset = published.dataset
left join hidden on latest.dataset = hidden.dataset
left join persons
    on latest.dataset = persons.dataset and latest.contract_hash = persons.contract_hash
