{#- Grain: indicator x region x breakdown x period x revision. -#}
select
    indicator.indicator_code,
    indicator.indicator_name_zh,
    indicator.indicator_name_en,
    indicator.unit,
    indicator.unit_label,
    revision.region_level,
    revision.region_code,
    region.region_name,
    revision.county_code,
    revision.breakdown,
    breakdown.label_zh as breakdown_label,
    revision.breakdown_value,
    part.label_zh as breakdown_value_label,
    revision.period,
    revision.period_year,
    {{ period_start('revision.period') }} as period_start_date,
    {{ period_end('revision.period') }} as period_end_date,
    revision.revision_number,
    revision.revised_at,
    revision.value,
    revision.value_before,
    revision.value_change,
    revision.numerator,
    revision.numerator_before,
    revision.denominator,
    revision.denominator_before,
    revision.cause,
    cause.label_zh as cause_label,
    array_to_string(revision.added_batch_ids, ',') as added_batch_ids,
    array_to_string(revision.removed_batch_ids, ',') as removed_batch_ids,
    revision.cause_zh
from {{ ref('ind_revision') }} as revision
inner join {{ ref('dim_indicator') }} as indicator using (indicator_code)
left join {{ ref('dim_region') }} as region on revision.region_code = region.region_code
{{ join_label('breakdown', 'breakdown', 'revision.breakdown') }}
{{ join_label('part', 'breakdown_value', 'revision.breakdown_value') }}
{{ join_label('cause', 'revision_cause', 'revision.cause') }}
