-- Children with disabilities of compulsory age, and those enrolled in any of the four forms.
select
    form.county_code as reporter_code,
    'county' as reporter_level,
    form.period_year,
    'all' as stage,
    measure.measure_code,
    measure.value,
    'inclusion' as family,
    form.batch_id
from {{ ref('stg_inclusion__children') }} as form
cross join lateral (values
    ('disabled_children', form.children),
    ('disabled_enrolled', form.enrolled)
) as measure (measure_code, value)
where form.county_code is not null and measure.value is not null
