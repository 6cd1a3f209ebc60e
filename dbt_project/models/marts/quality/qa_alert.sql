{#- Grain: alert: conditions somebody must know of. A view: it moves with each watch. -#}
{{ config(materialized='view', post_hook=[]) }}
select
    alert.alert_id::bigint as alert_id,
    alert.kind::text as kind,
    alert.severity::text as severity,
    alert.status::text as status,
    alert.title::text as title,
    alert.detail::text as detail,
    alert.what_to_do::text as what_to_do,
    alert.runbook::text as runbook,
    alert.owner::text as owner,
    alert.dataset::text as dataset,
    alert.period::text as period,
    alert.region_code::text as region_code,
    alert.region_code::text as county_code,
    array_to_string(alert.indicator_codes, '、')::text as indicator_codes,
    alert.magnitude::numeric(28, 10) as magnitude,
    alert.opened_at::timestamptz as opened_at,
    alert.last_seen_at::timestamptz as last_seen_at,
    alert.closed_at::timestamptz as closed_at
from {{ source('quality', 'alert') }} as alert
-- One without a region can tell of any county: whoever sees all of them sees it.
where {{ is_visible('alert.region_code') }}
