{#- Grain: region code that ever was (SCD2): when it was valid and what its records belong to today. -#}
with

region as (
    select region_code, region_level, region_name from {{ ref('region') }}
),

history as (
    select * from {{ ref('region_history') }}
),

final as (
    select
        coalesce(region.region_code, history.region_code) as region_code,
        coalesce(region.region_level, 'county') as region_level,
        coalesce(region.region_name, history.region_name) as region_name,
        history.valid_from,
        history.valid_to,
        region.region_code is not null as is_current,
        history.note_zh,
        history.source as source_document
    from region
    full join history using (region_code)
)

select
    final.region_code::text as region_code,
    final.region_level::text as region_level,
    final.region_name::text as region_name,
    final.valid_from::text as valid_from,
    final.valid_to::text as valid_to,
    final.is_current::boolean as is_current,
    today.current_code::text as current_region_code,
    final.note_zh::text as note_zh,
    final.source_document::text as source_document
from final
left join {{ ref('int_region__current') }} as today using (region_code)
