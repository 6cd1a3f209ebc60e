{#- Grain: indicator x school x breakdown (all or a stage) x period; a school as it stands now. -#}
with

school as (
    select distinct on (school_code) * from {{ ref('dim_school') }}
    order by school_code, valid_to_school_year desc
)

select
    indicator.action_code,
    indicator.action_name_zh,
    indicator.indicator_code,
    indicator.indicator_name_zh,
    indicator.indicator_name_en,
    indicator.parent_code,
    indicator.sort_order,
    indicator.unit,
    indicator.unit_label,
    indicator.decimals,
    indicator.direction,
    indicator.direction_label,
    value.region_code as school_code,
    value.region_name as school_name,
    value.county_code,
    county.region_name as county_name,
    school.ownership,
    ownership.label_zh as ownership_label,
    school.urban_rural,
    place.label_zh as urban_rural_label,
    value.breakdown,
    breakdown.label_zh as breakdown_label,
    value.breakdown_value,
    part.label_zh as breakdown_value_label,
    value.period,
    value.period_year,
    {{ period_start('value.period') }} as period_start_date,
    {{ period_end('value.period') }} as period_end_date,
    value.period_year = indicator.latest_period_year as is_latest,
    value.value,
    value.numerator,
    value.denominator,
    value.is_suppressed
from {{ ref('ind_value') }} as value
inner join {{ ref('dim_indicator') }} as indicator using (indicator_code)
left join school on value.region_code = school.school_code
left join {{ ref('dim_region') }} as county on value.county_code = county.region_code
{{ join_label('ownership', 'breakdown_value', 'school.ownership') }}
{{ join_label('place', 'breakdown_value', 'school.urban_rural') }}
{{ join_label('breakdown', 'breakdown', 'value.breakdown') }}
{{ join_label('part', 'breakdown_value', 'value.breakdown_value') }}
where value.region_level = 'school'
