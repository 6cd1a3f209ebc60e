-- A failure means: the resources of a one-site school were divided and parts were lost or doubled.
with

part as (
    select
        reporter_code,
        period,
        measure_code,
        sum(value) filter (where stage in ('primary', 'junior', 'senior')) as parts,
        sum(value) filter (where stage = 'all') as whole
    from {{ ref('int_school__measures') }}
    where reporter_level = 'school'
    group by 1, 2, 3
)

select *
from part
where parts is not null
    and whole is not null
    and abs(parts - whole) > 0.001 * greatest(abs(whole), 1)
