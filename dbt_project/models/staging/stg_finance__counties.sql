{%- set amounts = [
    'general_budget', 'edu_exp_total', 'edu_exp_preschool', 'edu_exp_primary', 'edu_exp_junior',
    'edu_exp_senior', 'edu_exp_vocational', 'edu_exp_special', 'edu_exp_other', 'edu_fund_total',
    'edu_fund_operating', 'edu_fund_capital', 'edu_fund_surcharge',
] -%}
-- Settlement tables are in 万元.
with

source as (
    {{ published('finance_county', ['region_name'] + amounts) }}
),

final as (
    select
        {{ clean('region_name') }} as region_name,
        period::int as fiscal_year,
        {% for amount in amounts -%}
        {{ number(amount) }} * 10000 as {{ amount }}_yuan,
        {% endfor -%}
        batch_id
    from source
)

select * from final
