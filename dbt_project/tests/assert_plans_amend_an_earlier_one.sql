-- A failure means: plan_version.csv names a version in `amends` that does not exist, is the version
-- itself or amends it in turn, or an amendment that has no day of adoption.
with recursive lineage as (
    select plan_version, amends, 1 as depth from {{ ref('plan_version') }}
    where amends is not null
    union all
    select lineage.plan_version, plan.amends, lineage.depth + 1
    from lineage
    inner join {{ ref('plan_version') }} as plan on lineage.amends = plan.plan_version
    where plan.amends is not null and lineage.depth < 20
)

select plan.plan_version
from {{ ref('plan_version') }} as plan
left join {{ ref('plan_version') }} as original on plan.amends = original.plan_version
where plan.amends is not null and (original.plan_version is null or plan.adopted_on is null)
union all
select plan_version from lineage
where depth >= 20
