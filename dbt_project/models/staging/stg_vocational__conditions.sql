{#- A standard is text such as ≥20, ≤18 or 不低于 20; without a sign it is a lower bound. The sheet's
    own 是否达标 counts only where value or standard cannot be read as a number. -#}
{%- set upper = "'^(≤|<=|不高于|不超过)'" -%}
{%- set sign = "'^(≥|>=|≤|<=|不低于|不高于|不少于|不超过)'" -%}
with

source as (
    {{ published('voc_conditions', ['school_code', 'item', 'value', 'standard', 'is_met']) }}
),

parsed as (
    select
        *,
        {{ number('value') }} as measured_value,
        {{ clean('standard') }} ~ {{ upper }} as is_upper_bound,
        {{ number("regexp_replace(" ~ clean('standard') ~ ", " ~ sign ~ ", '')") }} as bound
    from source
),

final as (
    select
        {{ clean('school_code') }} as school_code,
        {{ clean('item') }} as item,
        coalesce(
            case when is_upper_bound then measured_value <= bound else measured_value >= bound end,
            {{ clean('is_met') }} = '是'
        ) as is_met,
        period as school_year,
        {{ period_year('period') }} as period_year,
        batch_id
    from parsed
)

select * from final
