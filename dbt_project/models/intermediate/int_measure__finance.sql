{#- Money by fiscal year, in yuan: counties (settlement) and schools (教财基), schools also by stage. -#}
with

region as (
    select * from {{ ref('region') }}
    where region_level <> 'city'
),

county as (
    select
        region.region_code as reporter_code,
        'county' as reporter_level,
        form.fiscal_year as period_year,
        measure.stage,
        measure.measure_code,
        measure.value,
        'finance_county' as family,
        form.batch_id
    from {{ ref('stg_finance__counties') }} as form
    inner join region on form.region_name in (region.finance_name, region.region_name)
    cross join lateral (values
        ('all', 'general_budget_yuan', form.general_budget_yuan),
        ('all', 'edu_expenditure_yuan', form.edu_exp_total_yuan),
        ('preschool', 'edu_expenditure_yuan', form.edu_exp_preschool_yuan),
        ('primary', 'edu_expenditure_yuan', form.edu_exp_primary_yuan),
        ('junior', 'edu_expenditure_yuan', form.edu_exp_junior_yuan),
        ('senior', 'edu_expenditure_yuan', form.edu_exp_senior_yuan),
        ('vocational', 'edu_expenditure_yuan', form.edu_exp_vocational_yuan),
        ('special', 'edu_expenditure_yuan', form.edu_exp_special_yuan),
        ('all', 'edu_fund_yuan', form.edu_fund_total_yuan)
    ) as measure (stage, measure_code, value)
),

school_whole as (
    select
        form.school_code as reporter_code,
        form.fiscal_year as period_year,
        measure.measure_code,
        measure.value,
        form.batch_id
    from {{ ref('stg_finance__schools') }} as form
    cross join lateral (values
        ('school_income_yuan', form.income_total_yuan),
        ('school_fiscal_income_yuan', form.income_fiscal_yuan),
        ('school_expenditure_yuan', form.expenditure_total_yuan),
        ('personnel_expenditure_yuan', form.personnel_yuan),
        ('public_expenditure_yuan', form.public_expenditure_yuan),
        ('public_appropriation_yuan', form.public_appropriation_yuan),
        ('training_expenditure_yuan', form.training_yuan)
    ) as measure (measure_code, value)
),

share as (
    select * from {{ ref('int_school__stage_shares') }}
    where basis = 'average'
),

school_split as (
    select whole.*, share.stage, whole.value * share.share as stage_value
    from school_whole as whole
    inner join share
        on whole.reporter_code = share.school_code and whole.period_year = share.period_year
    where whole.measure_code in (
        'public_appropriation_yuan', 'public_expenditure_yuan', 'training_expenditure_yuan'
    )
),

-- Allowances are paid for at least a hundred pupils; the floor is shared like the pupils are.
compulsory as (
    select
        school_code,
        period_year,
        stage,
        pupils,
        sum(pupils) over (partition by school_code, period_year) as school_pupils
    from share
    where stage in ('primary', 'junior')
),

funded as (
    select
        school_code,
        period_year,
        stage,
        pupils * greatest(school_pupils, {{ var('funded_pupils_minimum') }})
        / nullif(school_pupils, 0) as value
    from compulsory
),

final as (
    select * from county
    union all
    select
        reporter_code, 'school' as reporter_level, period_year, 'all' as stage, measure_code, value,
        'finance_school' as family, batch_id
    from school_whole
    union all
    select
        reporter_code, 'school' as reporter_level, period_year, stage, measure_code, stage_value,
        'finance_school' as family, batch_id
    from school_split
    union all
    select
        school_code, 'school' as reporter_level, period_year, stage, 'pupils_funded' as measure_code,
        value, 'average' as family, null::bigint as batch_id
    from funded
)

select
    reporter_code,
    reporter_level,
    period_year,
    stage,
    measure_code,
    value,
    family,
    batch_id
from final
where value is not null
