-- Teacher numbers and names stop here.
with

source as (
    {{ published('voc_teachers', [
        'school_code', 'is_special', 'dual_level', 'recognised_on', 'valid_to',
    ]) }}
),

final as (
    select
        {{ clean('school_code') }} as school_code,
        coalesce({{ clean('is_special') }} = '是', false) as is_special,
        coalesce({{ clean('dual_level') }}, '无') as dual_level,
        {{ parsed_date('recognised_on') }} as recognised_date,
        {{ parsed_date('valid_to') }} as valid_to_date,
        period as school_year,
        {{ period_year('period') }} as period_year,
        batch_id
    from source
)

select * from final
