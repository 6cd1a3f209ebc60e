with

source as (
    {{ published('school_governance', [
        'school_code', 'has_party_conditions', 'is_party_led', 'counsellors_full_time',
        'counsellors_part_time',
    ]) }}
),

final as (
    select
        {{ clean('school_code') }} as school_code,
        {{ clean('has_party_conditions') }} = '是' as has_party_conditions,
        {{ clean('is_party_led') }} = '是' as is_party_led,
        {{ number('counsellors_full_time') }} as counsellor_full_time_count,
        {{ number('counsellors_part_time') }} as counsellor_part_time_count,
        period as school_year,
        {{ period_year('period') }} as period_year,
        batch_id
    from source
)

select * from final
