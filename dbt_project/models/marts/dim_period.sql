{#- Grain: period: school and fiscal years of everything published. -#}
with

published as (
    select distinct {{ period_year('period') }} as period_year, length(period) as width
    from {{ source('ops', 'batch') }}
    where status = 'published' and period ~ '^\d{4}(-\d{4})?$'
),

kinds as (
    select period_year, 'school_year' as period_kind from published
    where width = 9
    union
    select period_year, 'fiscal_year' as period_kind from published
    where width = 4
)

select
    case period_kind when 'school_year' then {{ school_year('period_year') }} else period_year::text end
        as period,
    period_kind::text as period_kind,
    period_year::int as period_year,
    case period_kind
        when 'school_year' then {{ school_year_start('period_year') }}
        else make_date(period_year, 1, 1)
    end as start_date,
    case period_kind
        when 'school_year' then {{ school_year_start('period_year + 1') }} - 1
        else make_date(period_year, 12, 31)
    end as end_date
from kinds
