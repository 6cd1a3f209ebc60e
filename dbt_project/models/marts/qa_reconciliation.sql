{#-
  Grain: reconciliation x unit x period: the same thing counted by two sources.
  ref.reconciliation names the sides (terms as in the indicator registry, each with an optional
  factor: `720*pupils_funded@primary`), the level at which they are added up and the tolerance. A
  difference is a breach when it exceeds the larger of the two tolerances; `<=` breaks only upwards.
  A pair appears in the periods for which both sources have published anything. Numbers a
  suppressed cell takes part in are hidden; the verdict stays.
-#}
with

reconciliation as (
    select * from {{ ref('reconciliation') }}
),

side as (
    select code, 'left' as side, left_terms as terms from reconciliation
    union all
    select code, 'right' as side, right_terms as terms from reconciliation
),

parsed as (
    select
        side.code,
        side.side,
        regexp_match(term.term, '^(?:(-?\d+(?:\.\d+)?)\*)?([a-z0-9_]+)@([a-z]+)$') as part
    from side
    cross join lateral string_to_table(replace(side.terms, ' ', ''), '+') as term (term)
),

term as (
    select
        code,
        side,
        coalesce(part[1], '1')::numeric as factor,
        part[2] as measure_code,
        part[3] as stage
    from parsed
),

school as (
    select school_code, period_year, school_name, ownership from {{ ref('int_school__years') }}
),

region as (
    select * from {{ ref('region') }}
),

shown as (
    select reporter_code, period_year, stage, measure_code, sex, is_suppressed
    from {{ ref('fct_school_measure') }}
    where is_suppressed
),

fact as (
    select
        term.code,
        term.side,
        reconciliation.level,
        case reconciliation.level
            when 'school' then measure.reporter_code
            when 'county' then measure.county_code
            else city.region_code
        end as unit_code,
        measure.county_code,
        measure.period_year,
        term.factor * measure.value as value,
        term.factor > 0 as is_positive,
        shown.is_suppressed is not null as is_suppressed
    from term
    inner join reconciliation using (code)
    inner join {{ ref('int_school__measures') }} as measure
        on term.measure_code = measure.measure_code
        and term.stage = measure.stage
        and measure.sex = 'total'
    inner join region as city on city.region_level = 'city'
    left join shown
        on measure.reporter_code = shown.reporter_code
        and measure.period_year = shown.period_year
        and measure.stage = shown.stage
        and measure.measure_code = shown.measure_code
        and measure.sex = shown.sex
    left join school
        on measure.reporter_level = 'school'
        and measure.reporter_code = school.school_code
        and measure.period_year = school.period_year
    where (reconciliation.level <> 'school' or measure.reporter_level = 'school')
        and (
            reconciliation.ownership is null
            or measure.reporter_level = 'county'
            or school.ownership = reconciliation.ownership
        )
),

summed as (
    select
        code,
        level,
        unit_code,
        period_year,
        max(county_code) as county_code,
        sum(value) filter (where side = 'left') as left_value,
        sum(value) filter (where side = 'right') as right_value,
        coalesce(bool_or(is_positive) filter (where side = 'left'), false) as has_left,
        coalesce(bool_or(is_positive) filter (where side = 'right'), false) as has_right,
        bool_or(is_suppressed) as is_suppressed
    from fact
    where unit_code is not null
    group by 1, 2, 3, 4
),

live as (
    select code, period_year from summed
    group by 1, 2
    having bool_or(has_left) and bool_or(has_right)
),

judged as (
    select
        summed.*,
        case when has_left and has_right then left_value - right_value end as difference,
        greatest(
            reconciliation.tolerance_abs,
            reconciliation.tolerance_pct / 100 * abs(right_value)
        ) as allowed
    from summed
    inner join live using (code, period_year)
    inner join reconciliation using (code)
    -- Nothing on one side and no report on the other is no gap; nor is a part not reported at all.
    where (has_left and has_right)
        or (has_left and left_value <> 0)
        or (has_right and right_value <> 0 and reconciliation.comparison = '=')
)

select
    judged.code::text as code,
    reconciliation.name_zh::text as name_zh,
    reconciliation.severity::text as severity,
    judged.level::text as level,
    judged.unit_code::text as unit_code,
    coalesce(school.school_name, region.region_name)::text as unit_name,
    case judged.level when 'city' then judged.unit_code else judged.county_code end::text as county_code,
    case reconciliation.period_kind
        when 'school_year' then {{ school_year('judged.period_year') }} else judged.period_year::text
    end::text as period,
    judged.period_year::int as period_year,
    case when not judged.is_suppressed and judged.has_left then judged.left_value end::numeric(28, 10)
        as left_value,
    case when not judged.is_suppressed and judged.has_right then judged.right_value end::numeric(28, 10)
        as right_value,
    case when not judged.is_suppressed then judged.difference end::numeric(28, 10) as difference,
    case when not judged.is_suppressed then 100 * judged.difference / nullif(abs(judged.right_value), 0)
    end::numeric(28, 10) as difference_pct,
    reconciliation.comparison::text as comparison,
    reconciliation.tolerance_pct::numeric(28, 10) as tolerance_pct,
    reconciliation.tolerance_abs::numeric(28, 10) as tolerance_abs,
    case
        when judged.difference is null then 'one_side_missing'
        when judged.difference > judged.allowed then 'breach'
        when reconciliation.comparison = '=' and - judged.difference > judged.allowed then 'breach'
        else 'ok'
    end::text as status,
    judged.is_suppressed::boolean as is_suppressed,
    reconciliation.meaning_zh::text as meaning_zh,
    reconciliation.action_zh::text as action_zh
from judged
inner join reconciliation using (code)
left join school on judged.unit_code = school.school_code and judged.period_year = school.period_year
left join region on judged.unit_code = region.region_code
