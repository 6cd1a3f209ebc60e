{#- Grain: school code. A code that replaces another points to it (predecessor_code); lineage_code is
    the first code of the chain, so that a school keeps its past when its code changes. -#}
with recursive

school as (
    select school_code, period_year, predecessor_code from {{ ref('int_school__years') }}
),

predecessor as (
    select distinct on (school_code) school_code, predecessor_code
    from school
    where predecessor_code is not null and predecessor_code <> school_code
    order by school_code, period_year desc
),

-- The depth limit ends a chain that a faulty register ties into a ring.
chain as (
    select school_code, predecessor_code as code, 1 as depth from predecessor
    union all
    select chain.school_code, predecessor.predecessor_code, chain.depth + 1
    from chain
    inner join predecessor on chain.code = predecessor.school_code
    where chain.depth < 10
),

origin as (
    select distinct on (school_code) school_code, code as lineage_code
    from chain
    order by school_code, depth desc
),

code as (
    select distinct school_code from school
)

select
    code.school_code,
    predecessor.predecessor_code,
    coalesce(origin.lineage_code, code.school_code) as lineage_code
from code
left join predecessor using (school_code)
left join origin using (school_code)
