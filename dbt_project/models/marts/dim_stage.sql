{#- Grain: stage of education. -#}
select
    stage::text as stage,
    stage_name_zh::text as stage_name_zh,
    stage_name_en::text as stage_name_en,
    sort_order::int as sort_order
from {{ ref('stage') }}
