-- Schools of the newest period, the best and the worst of each indicator, and how many there are.
with named as (
    select distinct on (school_code) school_code, school_name, county_code
    from marts.dim_school
    order by school_code, is_current desc, valid_from_school_year desc
),

ranked as (
    select
        v.indicator_code,
        v.region_code as school_code,
        coalesce(named.school_name, v.region_name) as school_name,
        named.county_code,
        v.value,
        v.numerator,
        v.denominator,
        count(*) over whole as school_count,
        row_number() over (
            partition by v.indicator_code
            order by case when i.direction = 'lower_better' then v.value else -v.value end,
                v.region_code
        ) as place
    from marts.ind_value as v
    inner join unnest(%(codes)s::text[], %(periods)s::text[]) as latest (indicator_code, period)
        on v.indicator_code = latest.indicator_code and v.period = latest.period
    inner join ref.indicator as i on v.indicator_code = i.indicator_code
    left join named on v.region_code = named.school_code
    where v.region_level = 'school' and v.breakdown = 'all' and v.value is not null
    window whole as (partition by v.indicator_code)
)

select * from ranked
where place <= %(most)s or place > school_count - %(most)s
order by indicator_code, place
