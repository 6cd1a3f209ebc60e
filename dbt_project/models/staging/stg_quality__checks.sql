-- Of each batch its last audit: earlier ones were overtaken. Details may name schools and stay behind.
with

source as (
    select
        *,
        first_value(run_id) over (partition by batch_id order by result_id desc) as last_run_id
    from {{ source('quality', 'check_result') }}
    where level <> 'file'
)

select
    batch_id,
    dataset,
    period,
    rule_id,
    level,
    severity,
    dimension,
    status,
    checked_count,
    failed_count,
    checked_at
from source
where run_id = last_run_id
