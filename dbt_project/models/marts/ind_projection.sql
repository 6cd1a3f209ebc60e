{#-
  Grain: plan version x indicator x region: the value to expect in the plan's final year.
  Ordinary least squares on the yearly values (at most the last `projection_years`), interval of a
  single new value: y +- t(0.975, n - 2) x s x sqrt(1 + 1/n + (x - mean)^2 / Sxx), s^2 = SSE / (n - 2).
  Never from fewer than three values, nor from a series with a suppressed one, nor where the newest
  year is missing. Years in which missing schools pull the value down (ADR 10) are no points.
  Shares of a whole end at 0 and 100, other values but growth at 0: is_clipped says so.
-#}
with

indicator as (
    select
        *,
        kind = 'cohort' or unit_of_account = 'county' as is_unpaired,
        case when kind <> 'growth' then 0 end::double precision as lowest,
        case
            when unit = '%' and kind in ('ratio', 'attainment') and unit_of_account = 'school' then 100
        end::double precision as highest
    from {{ ref('indicator') }}
),

value as (
    select * from {{ ref('ind_value') }}
    where breakdown = 'all' and region_level in ('city', 'county')
),

newest as (
    select indicator_code, max(period_year) as newest_year from value
    where value is not null
    group by 1
),

yearly as (
    select
        value.*,
        newest.newest_year,
        value.value is not null
        and not (indicator.is_unpaired and coalesce(value.coverage_pct, 0) < 100) as is_point
    from value
    inner join indicator using (indicator_code)
    inner join newest using (indicator_code)
    where value.period_year > newest.newest_year - {{ var('projection_years') }}
),

series as (
    select
        indicator_code,
        region_level,
        region_code,
        max(region_name) as region_name,
        newest_year,
        count(*) filter (where is_point)::int as point_count,
        min(period_year) filter (where is_point) as first_year,
        max(period_year) filter (where is_point) as last_year,
        avg(period_year) filter (where is_point)::double precision as mean_year,
        avg(value) filter (where is_point)::double precision as mean_value,
        regr_slope(value::double precision, period_year) filter (where is_point) as slope,
        regr_sxx(value::double precision, period_year) filter (where is_point) as sxx,
        regr_sxy(value::double precision, period_year) filter (where is_point) as sxy,
        regr_syy(value::double precision, period_year) filter (where is_point) as syy,
        case
            when bool_or(is_suppressed) then 'suppressed'
            when count(*) filter (where is_point) < 3
                then case when count(value) >= 3 then 'incomplete' else 'fewer_than_three' end
            when not bool_or(is_point and period_year = newest_year)
                then case when bool_or(value is not null and period_year = newest_year)
                    then 'incomplete' else 'no_data' end
        end as no_projection_reason
    from yearly
    group by indicator_code, region_level, region_code, newest_year
),

plan as (
    select * from {{ ref('plan_version') }}
),

projected as (
    select
        plan.plan_version,
        plan.final_year,
        series.*,
        series.mean_value + series.slope * (plan.final_year - series.mean_year) as raw_value,
        quantile.t_975
        * sqrt(
            greatest(0, series.syy - series.sxy * series.sxy / series.sxx) / (series.point_count - 2)
            * (1 + 1.0 / series.point_count + (plan.final_year - series.mean_year) ^ 2 / series.sxx)
        ) as half_width
    from series
    cross join plan
    inner join {{ ref('t_quantile') }} as quantile
        on series.point_count - 2 = quantile.degrees_of_freedom
    where series.no_projection_reason is null and plan.final_year > series.last_year
),

bounded as (
    select
        projected.plan_version,
        projected.indicator_code,
        projected.region_code,
        least(greatest(raw_value, lowest), highest)::numeric(28, 10) as projected_value,
        least(greatest(raw_value - half_width, lowest), highest)::numeric(28, 10) as interval_low,
        least(greatest(raw_value + half_width, lowest), highest)::numeric(28, 10) as interval_high,
        coalesce(raw_value - half_width < lowest, false)
        or coalesce(raw_value + half_width > highest, false) as is_clipped
    from projected
    inner join indicator using (indicator_code)
),

-- The plan's own row for the region, else the city's.
aimed as (
    select
        plan.plan_version,
        plan.final_year,
        series.*,
        target.target_2027,
        target.band_low,
        target.band_high
    from series
    cross join plan
    left join lateral (
        select candidate.* from {{ ref('int_plan__targets') }} as candidate
        inner join {{ ref('region') }} as region on candidate.region_code = region.region_code
        where candidate.plan_version = plan.plan_version
            and candidate.indicator_code = series.indicator_code
            and (candidate.region_code = series.region_code or region.region_level = 'city')
        order by candidate.region_code <> series.region_code
        limit 1
    ) as target on true
)

select
    aimed.plan_version::text as plan_version,
    aimed.indicator_code::text as indicator_code,
    indicator.indicator_name_zh::text as indicator_name_zh,
    indicator.unit::text as unit,
    indicator.direction::text as direction,
    aimed.region_level::text as region_level,
    aimed.region_code::text as region_code,
    aimed.region_code::text as county_code,
    aimed.region_name::text as region_name,
    aimed.final_year::int as final_year,
    aimed.point_count::int as point_count,
    aimed.first_year::int as first_year,
    aimed.last_year::int as last_year,
    case when bounded.plan_version is not null then aimed.slope end::numeric(28, 10) as yearly_change,
    bounded.projected_value,
    bounded.interval_low,
    bounded.interval_high,
    bounded.is_clipped::boolean as is_clipped,
    aimed.target_2027::numeric(28, 10) as target_2027,
    aimed.band_low::numeric(28, 10) as band_low,
    aimed.band_high::numeric(28, 10) as band_high,
    case
        when aimed.target_2027 < bounded.interval_low then 'below'
        when aimed.target_2027 > bounded.interval_high then 'above'
        when aimed.target_2027 is not null and bounded.interval_low is not null then 'inside'
    end::text as target_position,
    case
        when bounded.interval_low is null then null
        when indicator.direction = 'target_band' then
            case
                when bounded.interval_low >= aimed.band_low and bounded.interval_high <= aimed.band_high
                    then 'likely'
                when bounded.interval_high < aimed.band_low or bounded.interval_low > aimed.band_high
                    then 'unlikely'
                when aimed.band_low is not null then 'open'
            end
        when indicator.direction = 'lower_better' then
            case
                when bounded.interval_high <= aimed.target_2027 then 'likely'
                when bounded.interval_low > aimed.target_2027 then 'unlikely'
                when aimed.target_2027 is not null then 'open'
            end
        when bounded.interval_low >= aimed.target_2027 then 'likely'
        when bounded.interval_high < aimed.target_2027 then 'unlikely'
        when aimed.target_2027 is not null then 'open'
    end::text as outlook,
    case
        when aimed.no_projection_reason is not null then aimed.no_projection_reason
        when aimed.last_year >= aimed.final_year then 'final_year_reached'
    end::text as no_projection_reason
from aimed
inner join indicator using (indicator_code)
left join bounded using (plan_version, indicator_code, region_code)
