{#- Premises and equipment: the whole school (stage all), kindergartens (preschool) and the parts
    of one-site schools by stage. -#}
{%- set shared = "('teaching_area', 'sports_area', 'equipment_value_yuan', 'multimedia_classrooms', 'terminals', 'books')" -%}
with

whole as (
    select * from {{ ref('int_premises__total') }}
),

school as (
    select school_code, period_year, school_type_code from {{ ref('int_school__years') }}
),

kindergarten as (
    select
        whole.reporter_code,
        whole.reporter_level,
        whole.period_year,
        'preschool' as stage,
        case whole.measure_code
            when 'floor_area' then 'floor_area_kindergarten' else whole.measure_code
        end as measure_code,
        whole.value,
        whole.batch_id
    from whole
    inner join school
        on whole.reporter_code = school.school_code and whole.period_year = school.period_year
    where school.school_type_code = '111'
        and whole.measure_code in ('floor_area', 'activity_room_area', 'outdoor_play_area')
),

split as (
    select
        whole.reporter_code,
        whole.reporter_level,
        whole.period_year,
        share.stage,
        whole.measure_code,
        whole.value * share.share as value,
        whole.batch_id
    from whole
    inner join {{ ref('int_school__stage_shares') }} as share
        on whole.reporter_code = share.school_code and whole.period_year = share.period_year
    where share.basis = 'census' and whole.measure_code in {{ shared }}
),

final as (
    select
        reporter_code, reporter_level, period_year, 'all' as stage, measure_code, value, batch_id
    from whole
    union all
    select * from kindergarten
    union all
    select * from split
)

select
    reporter_code,
    reporter_level,
    period_year,
    stage,
    measure_code,
    value,
    'premises' as family,
    batch_id
from final
