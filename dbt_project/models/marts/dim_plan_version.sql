{#- Grain: version of the plan. -#}
select
    plan_version::text as plan_version,
    plan_name_zh::text as plan_name_zh,
    plan_name_en::text as plan_name_en,
    is_demonstration::boolean as is_demonstration,
    baseline_year::int as baseline_year,
    final_year::int as final_year,
    amends::text as amends,
    adopted_on::date as adopted_on,
    note_zh::text as note_zh
from {{ ref('plan_version') }}
