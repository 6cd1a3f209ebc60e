{#-
  Grain: plan version x indicator x region x year: where the indicator should be.
  Straight lines between the points the plan gives (baseline, yearly targets); nothing before the
  baseline; the final target holds after the last year. No second point, no line.
-#}
with

plan as (
    select * from {{ ref('plan_version') }}
),

target as (
    select target.*, plan.baseline_year, plan.final_year
    from {{ ref('target') }} as target
    inner join plan using (plan_version)
),

point as (
    select target.plan_version, target.indicator_code, target.region_code, point.year, point.value
    from target
    cross join lateral (values
        (target.baseline_year, target.baseline_value),
        (2025, target.target_2025),
        (2026, target.target_2026),
        (2027, target.target_2027)
    ) as point (year, value)
    where point.value is not null
),

span as (
    select
        plan_version,
        indicator_code,
        region_code,
        year as year_from,
        value as value_from,
        lead(year) over line as year_to,
        lead(value) over line as value_to
    from point
    window line as (partition by plan_version, indicator_code, region_code order by year)
)

select
    span.plan_version,
    span.indicator_code,
    span.region_code,
    step.year as period_year,
    case
        when span.year_to is null then span.value_from
        else span.value_from
            + (span.value_to - span.value_from)
            * (step.year - span.year_from) / (span.year_to - span.year_from)
    end::numeric(28, 10) as trajectory_value
from span
cross join lateral generate_series(
    span.year_from, coalesce(span.year_to - 1, span.year_from + 10)
) as step (year)
