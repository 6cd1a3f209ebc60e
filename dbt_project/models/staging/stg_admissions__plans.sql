with

source as (
    {{ published('adm_plans', [
        'admission_year', 'school_code', 'plan_places', 'is_quality', 'quota_places',
        'rural_quota_places',
    ]) }}
),

final as (
    select
        {{ number('admission_year') }}::int as admission_year,
        {{ clean('school_code') }} as school_code,
        {{ number('plan_places') }} as plan_places,
        {{ clean('is_quality') }} = 'true' as is_quality,
        {{ number('quota_places') }} as quota_places,
        {{ number('rural_quota_places') }} as rural_quota_places,
        batch_id
    from source
)

select * from final
