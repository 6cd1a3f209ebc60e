{#- Regions and breakdowns a unit adds to: city, county and the unit itself; in total and by
    urban_rural, ownership, stage and sex where the indicator allows it. -#}
{% macro rollup_targets(unit) -%}
cross join lateral (
    select 'city' as region_level, city.region_code from city
    union all
    select 'county' as region_level, {{ unit }}.county_code as region_code
    union all
    select 'school' as region_level, {{ unit }}.unit_code as region_code
    where {{ unit }}.unit_level = 'school'
) as target
cross join lateral (
    values
        ('all', 'all'),
        ('urban_rural', {{ unit }}.urban_rural),
        ('ownership', {{ unit }}.ownership),
        ('stage', {{ unit }}.stage),
        ('sex', {{ unit }}.sex)
) as split (breakdown, breakdown_value)
where target.region_code is not null
    and split.breakdown_value is not null
    and (split.breakdown = 'sex') = ({{ unit }}.sex <> 'total')
    and (
        split.breakdown = 'all'
        or (
            split.breakdown = any(indicator.breakdown_list)
            and (split.breakdown = 'stage' or target.region_level <> 'school')
        )
    )
{%- endmacro %}
