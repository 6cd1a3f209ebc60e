{#-
  Grain: group x period: what may be published of a group of disclosive measures.

  A way of cutting the city (county, stage, sex, place, ownership, and last every school) is opened
  when no cell is small in the crossing of it with all cuts opened before; if one is, the cut stays
  closed and the next is tried. Then every published number is a function of cells that are not
  small. Why that is safe: docs/adr/0013-small-cells.md.
-#}
{%- set cuts = ['county', 'stage', 'sex', 'urban_rural', 'ownership'] -%}
{%- set limit = var('suppression_threshold') -%}
{%- set is_small -%}
(sum(cell.value) > 0 and sum(cell.value) < {{ limit }})
            or (
                sum(cell.value) = 0
                and bool_or(cell.known_numerator > 0 and cell.known_numerator < {{ limit }})
            )
{%- endset -%}
with

cell as (
    select * from {{ ref('int_suppression__cells') }}
),

wanted as (
    select
        suppression.group_code,
        string_agg(indicator.breakdowns, '|') as breakdowns
    from {{ ref('int_suppression__groups') }} as suppression
    inner join {{ ref('int_indicator__terms') }} as term using (measure_code)
    inner join {{ ref('indicator') }} as indicator using (indicator_code)
    group by 1
),

whole as (
    select
        cell.group_code, cell.period_year, cell.cell_code, cell.class,
        {{ is_small }} as is_small
    from cell
    where cell.class is not null and cell.sex = 'total'
    group by 1, 2, 3, 4
),

with_city as (
    select
        cell.group_code,
        cell.period_year,
        not coalesce(bool_or(whole.is_small), false) as is_city_open
    from (select distinct group_code, period_year from cell) as cell
    left join whole using (group_code, period_year)
    group by 1, 2
),

{% set before = namespace(cuts=[], name='with_city') -%}
{% for cut in cuts -%}
{{ cut }}_part as (
    select
        cell.group_code, cell.period_year, cell.cell_code, cell.class, cell.sex,
        {% for earlier in before.cuts if earlier != 'sex' -%}
        case when level.is_{{ earlier }}_open then cell.{{ earlier }} end as {{ earlier }},
        {% endfor -%}
        cell.{{ cut }} as part,
        {{ is_small }} as is_small
    from cell
    inner join {{ before.name }} as level using (group_code, period_year)
    where cell.class is not null
        {% if cut != 'sex' -%}
        and (cell.sex = 'total'{{ ' or level.is_sex_open' if 'sex' in before.cuts }})
        {% endif %}
    group by {{ range(1, 7 + (before.cuts | reject('equalto', 'sex') | list | length)) | join(', ') }}
),

{{ cut }}_verdict as (
    select group_code, period_year, bool_or(is_small) as is_small from {{ cut }}_part
    group by 1, 2
),

with_{{ cut }} as (
    select
        level.*,
        level.is_city_open
        and not coalesce(verdict.is_small, false)
        {% if cut != 'county' -%}
        and coalesce(wanted.breakdowns like '%{{ cut }}%', false)
        {% endif -%}
        as is_{{ cut }}_open
    from {{ before.name }} as level
    left join {{ cut }}_verdict as verdict using (group_code, period_year)
    left join wanted using (group_code)
),

{% set before.cuts = before.cuts + [cut] -%}
{% set before.name = 'with_' ~ cut -%}
{% endfor -%}
unit as (
    select
        cell.group_code, cell.period_year, cell.cell_code, cell.sex, cell.reporter_code, cell.stage,
        {{ is_small }} as is_small
    from cell
    group by 1, 2, 3, 4, 5, 6
),

unit_verdict as (
    select group_code, period_year, bool_or(is_small) as is_small from unit
    group by 1, 2
)

select level.*, not unit_verdict.is_small as is_unit_open
from {{ before.name }} as level
inner join unit_verdict using (group_code, period_year)
