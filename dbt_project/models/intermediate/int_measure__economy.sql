-- GDP, fiscal education spending, pay and earmarked funds of counties, yuan.
with

region as (
    select * from {{ ref('region') }}
    where region_level <> 'city'
),

economy as (
    select
        region.region_code,
        form.fiscal_year,
        measure.measure_code,
        measure.value,
        form.batch_id
    from {{ ref('stg_finance__county_economy') }} as form
    inner join region on form.region_name in (region.finance_name, region.region_name)
    cross join lateral (values
        -- The city's own budget has schools and no territory: its product stands with the counties.
        ('gdp_yuan', case when region.region_level = 'city_run' then coalesce(form.gdp_yuan, 0)
            else form.gdp_yuan end),
        ('fiscal_education_yuan', form.fiscal_education_yuan),
        ('payroll_teachers', form.teacher_count),
        ('teacher_pay_yuan', form.teacher_pay_yuan),
        ('teacher_pay_at_civil_mean_yuan', form.teacher_count * form.civil_mean_pay_yuan)
    ) as measure (measure_code, value)
),

-- Amounts are cumulative: the newest month of each fund.
fund as (
    select distinct on (region.region_code, form.fund_name, form.fiscal_year)
        region.region_code, form.fiscal_year, form.budget_yuan, form.spent_yuan, form.batch_id
    from {{ ref('stg_finance__special_funds') }} as form
    inner join region on form.region_name in (region.finance_name, region.region_name)
    order by region.region_code, form.fund_name, form.fiscal_year, form.month_number desc
),

final as (
    select * from economy
    union all
    select
        region_code, fiscal_year, 'special_fund_budget_yuan' as measure_code,
        sum(budget_yuan) as value, max(batch_id) as batch_id
    from fund
    group by 1, 2
    union all
    select
        region_code, fiscal_year, 'special_fund_spent_yuan' as measure_code,
        sum(spent_yuan) as value, max(batch_id) as batch_id
    from fund
    group by 1, 2
)

select
    region_code as reporter_code,
    'county' as reporter_level,
    fiscal_year as period_year,
    'all' as stage,
    measure_code,
    value,
    'economy' as family,
    batch_id
from final
where value is not null
