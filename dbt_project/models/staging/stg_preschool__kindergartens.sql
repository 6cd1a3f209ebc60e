with

source as (
    {{ published('kindergartens', [
        'kindergarten_code', 'division_code', 'ownership_type', 'is_inclusive', 'inclusive_from',
        'inclusive_to', 'is_township_centre', 'principals', 'principals_certified', 'has_nursery',
        'status',
    ]) }}
),

final as (
    select
        {{ clean('kindergarten_code') }} as school_code,
        {{ clean('division_code') }} as division_code,
        {{ clean('ownership_type') }} as ownership_type,
        {{ clean('is_inclusive') }} = '是' as is_inclusive,
        {{ parsed_date('inclusive_from') }} as inclusive_from_date,
        {{ parsed_date('inclusive_to') }} as inclusive_to_date,
        {{ clean('is_township_centre') }} = '是' as is_township_centre,
        {{ number('principals') }} as principal_count,
        {{ number('principals_certified') }} as principal_certified_count,
        {{ clean('has_nursery') }} = '是' as has_nursery,
        {{ clean('status') }} = '在办' as is_open,
        period as school_year,
        {{ period_year('period') }} as period_year,
        batch_id
    from source
)

select * from final
