with

source as (
    {{ published('population_hukou', ['region_name', 'age', 'registered_count']) }}
),

final as (
    select
        {{ clean('region_name') }} as region_name,
        {{ number("replace(" ~ clean('age') ~ ", '岁', '')") }}::int as age_years,
        {{ number('registered_count') }} as population_count,
        {{ period_year('period') }} as period_year,
        batch_id
    from source
)

select * from final
