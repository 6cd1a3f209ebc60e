{%- set amounts = [
    'income_total', 'income_fiscal', 'expenditure_total', 'personnel', 'public_expenditure',
    'public_appropriation', 'training',
] -%}
-- 教财基 tables are in 千元.
with

source as (
    {{ published('finance_school', ['school_code'] + amounts) }}
),

final as (
    select
        {{ clean('school_code') }} as school_code,
        period::int as fiscal_year,
        {% for amount in amounts -%}
        {{ number(amount) }} * 1000 as {{ amount }}_yuan,
        {% endfor -%}
        batch_id
    from source
)

select * from final
