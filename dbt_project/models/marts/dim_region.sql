{#- Grain: region. The city, its counties and the schools the city runs itself. -#}
select
    region_code::text as region_code,
    region_level::text as region_level,
    region_name::text as region_name,
    short_name::text as short_name,
    sort_order::int as sort_order
from {{ ref('region') }}
