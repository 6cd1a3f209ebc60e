select
    progress.indicator_code,
    progress.indicator_name_zh,
    progress.indicator_name_en,
    progress.unit,
    progress.decimals,
    progress.region_code,
    progress.region_name,
    progress.period,
    progress.period_year,
    progress.value,
    registry.numerator_zh,
    progress.numerator,
    registry.denominator_zh,
    progress.denominator,
    progress.expected_units,
    progress.reporting_units,
    progress.coverage_pct,
    progress.status = 'suppressed' as is_suppressed,
    progress.no_data_reason,
    progress.definition_zh,
    progress.note_zh,
    progress.source_document,
    registry.source_system,
    before.period as period_before,
    before.value as value_before
from marts.ind_progress as progress
inner join ref.indicator as registry using (indicator_code)
left join marts.ind_value as before
    on before.indicator_code = progress.indicator_code
    and before.region_code = progress.region_code
    and before.breakdown = 'all'
    and before.period_year = progress.period_year - 1
where progress.indicator_code = %(code)s
    and (
        %(region)s::text in (progress.region_code, progress.region_name)
        or %(region)s::text is null and progress.region_level = 'city'
        or progress.region_code = (
            select region_code from marts.dim_region where short_name = %(region)s::text
        )
    )
    and (%(period)s::text is null or progress.period = %(period)s::text)
order by progress.value is null, progress.period_year desc, progress.plan_version
limit 1
