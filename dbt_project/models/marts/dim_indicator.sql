{#-
  Grain: indicator: the registry, with the newest period in which the city or a county has a value
  (without any value: the newest). Counted here once, so that it is the same for every reader,
  whatever rows of others row-level security hides.
-#}
with

newest as (
    select
        indicator_code,
        coalesce(max(period_year) filter (where value is not null), max(period_year)) as period_year
    from {{ ref('ind_value') }}
    where breakdown = 'all' and region_level in ('city', 'county')
    group by 1
)

select
    indicator.indicator_code::text as indicator_code,
    indicator.parent_code::text as parent_code,
    indicator.indicator_name_zh::text as indicator_name_zh,
    indicator.indicator_name_en::text as indicator_name_en,
    indicator.action_code::text as action_code,
    action.action_name_zh::text as action_name_zh,
    action.action_name_en::text as action_name_en,
    indicator.sort_order::int as sort_order,
    indicator.unit::text as unit,
    coalesce(unit.label_zh, indicator.unit)::text as unit_label,
    indicator.decimals::int as decimals,
    indicator.direction::text as direction,
    direction.label_zh::text as direction_label,
    indicator.kind::text as kind,
    indicator.period_kind::text as period_kind,
    indicator.is_computed::boolean as is_computed,
    indicator.breakdowns::text as breakdowns,
    indicator.numerator_zh::text as numerator_zh,
    indicator.denominator_zh::text as denominator_zh,
    indicator.definition_zh::text as definition_zh,
    indicator.note_zh::text as note_zh,
    indicator.source_system::text as source_system,
    indicator.standard_threshold::text as standard_threshold,
    indicator.source_document::text as source_document,
    indicator.confidence::text as confidence,
    case indicator.period_kind
        when 'fiscal_year' then newest.period_year::text else {{ school_year('newest.period_year') }}
    end::text as latest_period,
    newest.period_year::int as latest_period_year
from {{ ref('indicator') }} as indicator
inner join {{ ref('action') }} as action using (action_code)
{{ join_label('unit', 'unit', 'indicator.unit') }}
{{ join_label('direction', 'direction', 'indicator.direction') }}
left join newest using (indicator_code)
