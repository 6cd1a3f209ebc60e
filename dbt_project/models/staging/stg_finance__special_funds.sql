-- The sheet is in 万元.
with

source as (
    {{ published('special_funds', ['county', 'fund_name', 'month', 'budget', 'spent']) }}
),

final as (
    select
        {{ clean('county') }} as region_name,
        {{ clean('fund_name') }} as fund_name,
        period::int as fiscal_year,
        {{ number('month') }}::int as month_number,
        {{ number('budget') }} * 10000 as budget_yuan,
        {{ number('spent') }} * 10000 as spent_yuan,
        batch_id
    from source
)

select * from final
