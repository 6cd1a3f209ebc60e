with

source as (
    {{ published('disability', ['region_name', 'children', 'enrolled']) }}
),

region as (
    select region_code, region_name, finance_name from {{ ref('region') }}
),

final as (
    select
        region.region_code as county_code,
        {{ number('source.children') }} as children,
        {{ number('source.enrolled') }} as enrolled,
        source.period as school_year,
        {{ period_year('source.period') }} as period_year,
        source.batch_id
    from source
    left join region
        on {{ clean('source.region_name') }} in (region.region_name, region.finance_name)
)

select * from final
