{#- Grain: school code x version. -#}
select
    school.school_key,
    school.school_code,
    school.school_name,
    school.school_type_code,
    school.county_code,
    county.region_name as county_name,
    school.location_county_code,
    location.region_name as location_county_name,
    school.location_code,
    school.organiser_code,
    school.ownership,
    ownership.label_zh as ownership_label,
    school.urban_rural_code,
    school.urban_rural,
    place.label_zh as urban_rural_label,
    school.is_inclusive,
    school.planned_year,
    school.founded_month,
    school.closed_month,
    school.predecessor_code,
    school.lineage_code,
    school.valid_from_school_year,
    school.valid_to_school_year,
    {{ period_start('school.valid_from_school_year') }} as valid_from_date,
    {{ period_end('school.valid_to_school_year') }} as valid_to_date,
    school.is_current
from {{ ref('dim_school') }} as school
left join {{ ref('dim_region') }} as county on school.county_code = county.region_code
left join {{ ref('dim_region') }} as location on school.location_county_code = location.region_code
{{ join_label('ownership', 'breakdown_value', 'school.ownership') }}
{{ join_label('place', 'breakdown_value', 'school.urban_rural') }}
