-- The sheet is in 万元, but for the mean pay, which is in yuan.
with

source as (
    {{ published('county_economy', [
        'county', 'gdp', 'fiscal_education', 'teacher_count', 'teacher_pay', 'civil_mean_pay',
    ]) }}
),

final as (
    select
        {{ clean('county') }} as region_name,
        period::int as fiscal_year,
        {{ number('gdp') }} * 10000 as gdp_yuan,
        {{ number('fiscal_education') }} * 10000 as fiscal_education_yuan,
        {{ number('teacher_count') }} as teacher_count,
        {{ number('teacher_pay') }} * 10000 as teacher_pay_yuan,
        {{ number('civil_mean_pay') }} as civil_mean_pay_yuan,
        batch_id
    from source
)

select * from final
