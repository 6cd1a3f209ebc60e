{#- Grain: dataset x day with a change. -#}
select
    dataset,
    dataset_name,
    system,
    day,
    opened_rows,
    reopened_rows,
    fixed_rows,
    released_rows,
    waived_rows,
    rejected_rows,
    open_rows
from {{ ref('qa_quarantine_burndown') }}
