{#-
  Grain: plan version x indicator x region x year: where the indicator should be.
  linear: a straight line from the baseline to the final target, whatever is given between them;
  milestones: straight lines between all points the plan gives (baseline, yearly targets).
  Nothing before the baseline; the final target holds after the last year. No target, no line: a
  baseline alone asks for nothing.
-#}
with

target as (
    select * from {{ ref('int_plan__targets') }}
),

point as (
    select target.plan_version, target.indicator_code, target.region_code, point.year, point.value
    from target
    cross join lateral (values
        (target.baseline_year, target.baseline_value, true),
        (2025, target.target_2025, false),
        (2026, target.target_2026, false),
        (2027, target.target_2027, true)
    ) as point (year, value, is_end)
    where point.value is not null
        and (point.is_end or target.trajectory = 'milestones')
        and (
            target.target_2027 is not null
            or (target.trajectory = 'milestones' and coalesce(target.target_2025, target.target_2026) is not null)
        )
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
