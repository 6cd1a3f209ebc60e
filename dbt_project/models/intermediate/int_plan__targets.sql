{#-
  Grain: plan version x indicator x region: the targets that hold in a version.
  An amendment (`amends`) states only what it changes: a row of its own replaces the whole row of
  the version it amends, a row without numbers withdraws the target, all else is inherited.
-#}
with recursive

plan as (
    select * from {{ ref('plan_version') }}
),

lineage as (
    select plan_version, plan_version as stated_in, amends, 0 as depth from plan
    union all
    select lineage.plan_version, plan.plan_version, plan.amends, lineage.depth + 1
    from lineage
    inner join plan on lineage.amends = plan.plan_version
    -- A circle would never end; assert_plans_amend_an_earlier_one reports it.
    where lineage.depth < 20
)

select distinct on (lineage.plan_version, target.indicator_code, target.region_code)
    lineage.plan_version,
    lineage.stated_in,
    target.indicator_code,
    target.region_code,
    plan.baseline_year,
    plan.final_year,
    target.trajectory,
    target.baseline_value,
    target.target_2025,
    target.target_2026,
    target.target_2027,
    target.band_low,
    target.band_high
from lineage
inner join plan on lineage.plan_version = plan.plan_version
inner join {{ ref('target') }} as target on lineage.stated_in = target.plan_version
order by lineage.plan_version, target.indicator_code, target.region_code, lineage.depth
