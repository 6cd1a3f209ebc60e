with

source as (
    {{ published('population', ['age', 'region_name', 'sex', 'population']) }}
),

final as (
    select
        {{ clean('region_name') }} as region_name,
        {{ number("replace(" ~ clean('age') ~ ", '岁', '')") }}::int as age_years,
        {{ clean('sex') }} as sex,
        {{ number('population') }} as population_count,
        {{ period_year('period') }} as period_year,
        batch_id
    from source
    -- The row of all ages is a sum of the others.
    where {{ clean('age') }} not in ('合计', '总计')
)

select * from final
