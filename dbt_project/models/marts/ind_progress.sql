{#-
  Grain: plan version x indicator x region x period: value against the plan's trajectory.
  A county without targets of its own is judged by the city's. National thresholds are shown
  beside (threshold_met) and never judged as targets. A final target without baseline has no line:
  its indicator is met or not_yet, and only the final year judges it.
-#}
with

indicator as (
    select * from {{ ref('indicator') }}
    where parent_code is null
),

region as (
    select * from {{ ref('region') }}
),

city as (
    select * from region
    where region_level = 'city'
),

plan as (
    select * from {{ ref('plan_version') }}
),

value as (
    select * from {{ ref('ind_value') }}
    where breakdown = 'all' and region_level in ('city', 'county')
),

latest as (
    select
        coalesce(
            max(period_year),
            (select max(period.period_year) from {{ ref('dim_period') }} as period),
            (select min(plan.baseline_year) from plan)
        ) as period_year
    from value
),

-- Indicators that nothing published supports still stand on the page, once, for the city.
missing as (
    select
        indicator.indicator_code,
        city.region_level,
        city.region_code,
        city.region_name,
        case indicator.period_kind
            when 'fiscal_year' then latest.period_year::text
            else {{ school_year('latest.period_year') }}
        end as period,
        latest.period_year
    from indicator
    cross join city
    cross join latest
    where not exists (
        select 1 from value
        where value.indicator_code = indicator.indicator_code and value.region_level = 'city'
    )
),

stated as (
    select
        indicator_code, region_level, region_code, region_name, period, period_year,
        value, numerator, denominator, expected_units, reporting_units, coverage_pct, is_suppressed
    from value
    union all
    select
        indicator_code, region_level, region_code, region_name, period, period_year,
        null, null, null, null, null, null, false
    from missing
),

-- Datasets behind an indicator that have no published row: the reason of no_data.
wanting as (
    select
        needed.indicator_code,
        string_agg(distinct measure.measure_name_zh || '(' || measure.datasets || ')', '、') as measures
    from (
        select term.indicator_code, term.measure_code, term.stage
        from {{ ref('int_indicator__terms') }} as term
        union
        select item.indicator_code, term.measure_code, term.stage
        from {{ ref('indicator') }} as item
        cross join lateral unnest(string_to_array(item.base_indicators, '|')) as base (code)
        inner join {{ ref('int_indicator__terms') }} as term on base.code = term.indicator_code
    ) as needed
    inner join {{ ref('measure') }} as measure using (measure_code)
    where not exists (
        select 1 from {{ ref('int_school__measures') }} as fact
        where fact.measure_code = needed.measure_code and fact.stage = needed.stage
    )
    group by 1
),

threshold as (
    select * from {{ ref('threshold') }}
    where stage = 'all'
),

-- The plan's own row for the region, else the city's.
aimed as (
    select
        plan.plan_version,
        plan.plan_name_zh,
        plan.is_demonstration,
        plan.baseline_year,
        plan.final_year,
        stated.*,
        coalesce(own.region_code, whole.region_code) as target_region_code
    from stated
    cross join plan
    cross join city
    left join {{ ref('int_plan__targets') }} as own
        on plan.plan_version = own.plan_version
        and stated.indicator_code = own.indicator_code
        and stated.region_code = own.region_code
    left join {{ ref('int_plan__targets') }} as whole
        on plan.plan_version = whole.plan_version
        and stated.indicator_code = whole.indicator_code
        and city.region_code = whole.region_code
),

joined as (
    select
        aimed.*,
        target.trajectory as trajectory_kind,
        target.baseline_value,
        target.target_2025,
        target.target_2026,
        target.target_2027,
        target.band_low,
        target.band_high,
        trajectory.trajectory_value as line_value,
        indicator.action_code,
        indicator.indicator_name_zh,
        indicator.indicator_name_en,
        indicator.unit,
        indicator.direction,
        indicator.sort_order,
        indicator.decimals,
        indicator.is_computed,
        indicator.source_system,
        indicator.kind = 'cohort' or indicator.unit_of_account = 'county' as is_unpaired,
        indicator.definition_zh,
        indicator.note_zh,
        indicator.source_document,
        threshold.threshold_op,
        threshold.threshold_value,
        wanting.measures as wanting_measures,
        case indicator.direction when 'lower_better' then -1 else 1 end as sign
    from aimed
    inner join indicator on aimed.indicator_code = indicator.indicator_code
    left join {{ ref('int_plan__targets') }} as target
        on aimed.plan_version = target.plan_version
        and aimed.indicator_code = target.indicator_code
        and aimed.target_region_code = target.region_code
    left join {{ ref('int_plan__trajectory') }} as trajectory
        on aimed.plan_version = trajectory.plan_version
        and aimed.indicator_code = trajectory.indicator_code
        and aimed.target_region_code = trajectory.region_code
        and aimed.period_year = trajectory.period_year
    left join threshold on aimed.indicator_code = threshold.indicator_code
    left join wanting on aimed.indicator_code = wanting.indicator_code
),

-- A band is its own trajectory: the nearest edge for values outside, the value itself inside.
compared as (
    select
        *,
        case
            when direction = 'target_band' and band_low is not null and period_year >= baseline_year
                then least(greatest(value, band_low), band_high)
            else line_value
        end as trajectory_value
    from joined
),

measured as (
    select
        *,
        case
            when direction = 'target_band' then - abs(value - trajectory_value)
            else sign * (value - trajectory_value)
        end as distance,
        case
            when direction = 'target_band' then band_high - band_low
            else abs(target_2027 - baseline_value)
        end as span
    from compared
),

-- A sum over schools set against a figure that needs no school (population, entrants of another
-- year) falls with every school that is missing. Where the missing ones could change the verdict,
-- even if they are large ones, there is none.
judged as (
    select
        *,
        case
            when is_suppressed then 'suppressed'
            when
                is_unpaired and coverage_pct < 100
                and (
                    {{ plan_status('value') }} <> {{ plan_status('(value * (1 + ' ~ var('missing_unit_size') ~ ' * (100 - coverage_pct) / nullif(coverage_pct, 0)))') }}
                    -- A ratio of two sums over schools (a band) may also fall when the missing come.
                    or direction = 'target_band'
                    and {{ plan_status('value') }} <> {{ plan_status('(value * coverage_pct / 100)') }}
                )
                then 'incomplete'
            else {{ plan_status('value') }}
        end as status
    from measured
)

select
    judged.plan_version::text as plan_version,
    judged.plan_name_zh::text as plan_name_zh,
    judged.is_demonstration::boolean as is_demonstration,
    judged.indicator_code::text as indicator_code,
    judged.action_code::text as action_code,
    action.action_name_zh::text as action_name_zh,
    judged.indicator_name_zh::text as indicator_name_zh,
    judged.indicator_name_en::text as indicator_name_en,
    judged.unit::text as unit,
    judged.decimals::int as decimals,
    judged.sort_order::int as sort_order,
    judged.direction::text as direction,
    judged.region_level::text as region_level,
    judged.region_code::text as region_code,
    judged.region_code::text as county_code,
    judged.region_name::text as region_name,
    judged.period::text as period,
    judged.period_year::int as period_year,
    judged.value::numeric(28, 10) as value,
    judged.numerator::numeric(28, 10) as numerator,
    judged.denominator::numeric(28, 10) as denominator,
    judged.expected_units::int as expected_units,
    judged.reporting_units::int as reporting_units,
    judged.coverage_pct::numeric(28, 10) as coverage_pct,
    judged.baseline_year::int as baseline_year,
    judged.trajectory_kind::text as trajectory_kind,
    judged.baseline_value::numeric(28, 10) as baseline_value,
    judged.target_2025::numeric(28, 10) as target_2025,
    judged.target_2026::numeric(28, 10) as target_2026,
    judged.target_2027::numeric(28, 10) as target_2027,
    judged.band_low::numeric(28, 10) as band_low,
    judged.band_high::numeric(28, 10) as band_high,
    judged.trajectory_value::numeric(28, 10) as trajectory_value,
    judged.distance::numeric(28, 10) as distance,
    (100 * judged.distance / nullif(judged.span, 0))::numeric(28, 10) as distance_pct,
    case
        when judged.direction = 'target_band'
            then case when judged.distance = 0 then 100 end
        else 100 * (judged.value - judged.baseline_value)
            / nullif(judged.target_2027 - judged.baseline_value, 0)
    end::numeric(28, 10) as progress_pct,
    judged.status::text as status,
    status.status_label_zh::text as status_label_zh,
    case
        when judged.status = 'suppressed' then '人数过少,为保护个人信息不予公布'
        when judged.status = 'incomplete' then '填报不全,缺报单位可能改变判定:覆盖 ' || round(judged.coverage_pct, 1) || '%'
        when judged.value is not null then null
        when not judged.is_computed then '数据来源尚未接入:' || judged.source_system
        when judged.wanting_measures is not null then '缺少已发布数据:' || judged.wanting_measures
        when judged.denominator = 0 then '分母为零'
        else '本期没有两侧数据齐全的填报单位'
    end::text as no_data_reason,
    judged.threshold_value::numeric(28, 10) as threshold_value,
    judged.threshold_op::text as threshold_op,
    case judged.threshold_op
        when '>=' then judged.value >= judged.threshold_value
        when '<=' then judged.value <= judged.threshold_value
    end::boolean as threshold_met,
    judged.definition_zh::text as definition_zh,
    judged.note_zh::text as note_zh,
    judged.source_document::text as source_document
from judged
inner join {{ ref('action') }} as action using (action_code)
inner join {{ ref('status_label') }} as status using (status)
