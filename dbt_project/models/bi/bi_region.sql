{#- Grain: region. -#}
select
    region.region_code,
    region.region_level,
    level.label_zh as region_level_label,
    region.region_name,
    region.short_name,
    region.sort_order
from {{ ref('dim_region') }} as region
{{ join_label('level', 'region_level', 'region.region_level') }}
