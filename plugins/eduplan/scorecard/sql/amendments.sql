-- The verdict under the other version, where an amendment changed the target: seen from the original
-- the amendment, seen from the amendment the original.
select
    c.indicator_code,
    c.region_code,
    c.period,
    c.amended_version = %(plan_version)s as is_original,
    case when c.amended_version = %(plan_version)s then c.original_version else c.amended_version end
        as other_version,
    case when c.amended_version = %(plan_version)s then c.original_status else c.amended_status end
        as status,
    case when c.amended_version = %(plan_version)s then c.original_target_2027
        else c.amended_target_2027 end as target
from marts.ind_plan_comparison as c
where %(plan_version)s in (c.amended_version, c.original_version)
    and c.is_amended
    and c.region_level = 'city'
order by c.adopted_on
