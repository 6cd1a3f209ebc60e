{#- Grain: dataset x period x unit that must send it, as its reader may see it. A view, like the register
    behind it. -#}
{{ config(materialized='view') }}
select
    dataset,
    dataset_name,
    system,
    owner,
    period,
    unit_level,
    unit_code,
    unit_name,
    county_code,
    county_name,
    opens_on,
    due_on,
    received_on,
    refused_on,
    status,
    days_late,
    as_of
from {{ ref('int_report__register') }}
where {{ is_visible() }}
