{#- Grain: indicator x indicator its terms come from: itself, and those it is built on. -#}
select indicator_code, indicator_code as term_code, false as is_base from {{ ref('indicator') }}
where is_computed
union
select registry.indicator_code, base.code as term_code, true as is_base
from {{ ref('indicator') }} as registry
cross join lateral unnest(string_to_array(registry.base_indicators, '|')) as base (code)
where registry.is_computed
