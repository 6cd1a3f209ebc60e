{#-
  Published rows of a dataset, with the period of their batch.

  `raw.<dataset>` holds exactly what is published, as text. A dataset that was never published has
  no table yet: then an empty relation of the same shape is returned, so that every model runs and
  its indicators are `no_data`. A column the staging model needs and the table lacks is an error.
-#}
{% macro published(dataset, columns) -%}
{%- set source_relation = source('raw', dataset) -%}
{%- set present = [] -%}
{%- if execute -%}
    {%- set found = run_query(
        "select attname from pg_attribute where attrelid = to_regclass('"
        ~ source_relation.schema ~ "." ~ dataset ~ "') and attnum > 0 and not attisdropped") -%}
    {%- set present = found.columns[0].values() | list -%}
{%- endif -%}
{%- if present -%}
    {%- set missing = columns | reject('in', present) | list -%}
    {%- if missing -%}
        {{ exceptions.raise_compiler_error(
            "raw." ~ dataset ~ " has no column " ~ missing | join(', ')
            ~ ": the contract and the staging model of " ~ dataset ~ " disagree") }}
    {%- endif -%}
select
    {% for column in columns -%}
    published.{{ column }},
    {% endfor -%}
    batch.period as period,
    published._batch_id as batch_id
from {{ source_relation }} as published
inner join {{ source('ops', 'batch') }} as batch on published._batch_id = batch.batch_id
{%- else -%}
select
    {% for column in columns -%}
    null::text as {{ column }},
    {% endfor -%}
    null::text as period,
    null::bigint as batch_id
where false
{%- endif -%}
{%- endmacro %}

{#- Batches of a dataset that are published and not yet in this incremental model, as literals so
    that the planner reads only their partitions. -#}
{% macro new_batches(dataset) -%}
{%- set ids = [] -%}
{%- if execute -%}
    {%- set query -%}
        select batch_id from {{ var('ops_schema') }}.batch
        where dataset = '{{ dataset }}' and status = 'published'
        {%- if is_incremental() %} except select batch_id from {{ this }}{% endif %}
    {%- endset -%}
    {%- set ids = run_query(query).columns[0].values() | list -%}
{%- endif -%}
({{ ids | join(', ') if ids else 'null' }})
{%- endmacro %}

{#- Rows of batches that were superseded leave the incremental model before new ones enter. -#}
{% macro drop_superseded(dataset) -%}
{%- if is_incremental() -%}
delete from {{ this }} where batch_id not in (
    select batch_id from {{ var('ops_schema') }}.batch
    where dataset = '{{ dataset }}' and status = 'published'
)
{%- else -%}
select 1
{%- endif -%}
{%- endmacro %}
