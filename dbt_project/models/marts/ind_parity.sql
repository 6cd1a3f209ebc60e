{#-
  Grain: indicator x region x period: gender parity index of the indicators for which UIS defines
  one: the girls' value over the boys'. Between 0.97 and 1.03 is parity; below, girls are behind.
-#}
with

part as (
    select
        indicator_code,
        region_level,
        region_code,
        region_name,
        period,
        period_year,
        max(value) filter (where breakdown_value = 'female') as female_value,
        max(value) filter (where breakdown_value = 'male') as male_value,
        min(coverage_pct) as coverage_pct
    from {{ ref('ind_value') }}
    where breakdown = 'sex' and region_level in ('city', 'county')
    group by 1, 2, 3, 4, 5, 6
),

indexed as (
    select
        part.*,
        parity.international_indicator,
        parity.source_document,
        (part.female_value / nullif(part.male_value, 0))::numeric(28, 10) as gpi
    from part
    inner join {{ ref('parity') }} as parity using (indicator_code)
    where part.female_value is not null and part.male_value is not null
)

select
    indicator_code,
    region_level,
    region_code,
    region_code as county_code,
    region_name,
    period,
    period_year,
    female_value,
    male_value,
    gpi,
    gpi between {{ var('parity_low') }} and {{ var('parity_high') }} as is_parity,
    coverage_pct,
    international_indicator,
    source_document
from indexed
