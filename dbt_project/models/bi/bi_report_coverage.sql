{#- Grain: dataset x period x county, and the whole city. -#}
select
    coverage.dataset,
    coverage.dataset_name,
    coverage.period,
    {{ period_start('coverage.period') }} as period_start_date,
    {{ period_end('coverage.period') }} as period_end_date,
    coverage.county_code,
    coverage.county_name,
    coverage.due_on,
    coverage.units_expected,
    coverage.units_on_time,
    coverage.units_late,
    coverage.units_missing,
    coverage.units_pct,
    coverage.schools_expected,
    coverage.schools_reported,
    coverage.schools_pct,
    coverage.as_of
from {{ ref('qa_report_coverage') }} as coverage
