{#- Grain: region code that ever was: the region of today its records belong to. A code whose
    successor is not known has none. -#}
with recursive

region as (
    select region_code from {{ ref('region') }}
),

history as (
    select * from {{ ref('region_history') }}
),

chain as (
    select region_code, region_code as code, 0 as depth from region
    union
    select region_code, successor_code as code, 1 as depth from history
    where successor_code is not null
    union
    select chain.region_code, history.successor_code as code, chain.depth + 1 as depth
    from chain
    inner join history on chain.code = history.region_code
    where history.successor_code is not null and chain.depth < 10
)

select distinct on (known.region_code)
    known.region_code,
    region.region_code as current_code
from (select region_code from region union select region_code from history) as known
left join chain on known.region_code = chain.region_code
left join region on chain.code = region.region_code
order by known.region_code, region.region_code is null, chain.depth desc
