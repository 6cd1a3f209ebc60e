{#- Grain: code set x code: the Chinese and English words of every code that readers meet. -#}
select
    'status'::text as code_set,
    status::text as code,
    status_label_zh::text as label_zh,
    status_label_en::text as label_en,
    sort_order::int as sort_order
from {{ ref('status_label') }}
union all
select
    'breakdown_value'::text as code_set,
    stage::text as code,
    stage_name_zh::text as label_zh,
    stage_name_en::text as label_en,
    (10 + sort_order)::int as sort_order
from {{ ref('stage') }}
where stage <> 'all'
union all
select
    code_set::text as code_set,
    code::text as code,
    label_zh::text as label_zh,
    label_en::text as label_en,
    sort_order::int as sort_order
from {{ ref('code_label') }}
