{#- Grain: dataset x column or rule of its contract as it stands (and rules removed since the last
    publication): what deserves a second look. -#}
{{ config(materialized='view', post_hook=[]) }}
with

dataset as (
    select * from {{ ref('int_quality__datasets') }}
),

rule as (
    select rule.*, rule.contract_hash = dataset.contract_hash as is_present
    from {{ ref('int_quality__rules') }} as rule
    inner join dataset using (dataset)
),

ran as (
    select
        dataset,
        rule_id,
        count(*) filter (where status in ('passed', 'failed')) as times_run,
        count(*) filter (where status = 'failed') as times_failed,
        max(checked_at) filter (where status = 'failed') as last_failed_at
    from {{ ref('stg_quality__checks') }}
    group by 1, 2
),

published as (
    select rule.dataset, rule.rule_id, rule.definition_hash
    from {{ source('quality', 'contract_rule') }} as rule
    inner join dataset
        on rule.dataset = dataset.dataset and rule.contract_hash = dataset.published_hash
),

looked_at as (
    select rule.dataset, column_name, count(*) as rule_count
    from rule
    cross join unnest(string_to_array(rule.column_names, ',')) as accused (column_name)
    where rule.is_present
    group by 1, 2
),

columns_found as (
    select
        present.dataset,
        'column' as item_kind,
        present.column_name as item,
        present.label as item_zh,
        null::text as dimension,
        false as is_derived,
        coalesce(looked_at.rule_count, 0) as rule_count,
        null::bigint as times_run,
        null::bigint as times_failed,
        null::timestamptz as last_failed_at,
        case when looked_at.rule_count is null then 'no_rule' end as finding
    from {{ source('quality', 'contract_column') }} as present
    inner join dataset
        on present.dataset = dataset.dataset and present.contract_hash = dataset.contract_hash
    left join looked_at
        on present.dataset = looked_at.dataset and present.column_name = looked_at.column_name
),

-- A contract that changed before versions were kept has nothing to compare with.
compared as (
    select distinct dataset from published
),

rules_found as (
    select
        rule.dataset,
        'rule' as item_kind,
        rule.rule_id as item,
        rule.sentence_zh as item_zh,
        rule.dimension,
        rule.is_derived,
        null::bigint as rule_count,
        coalesce(ran.times_run, 0) as times_run,
        coalesce(ran.times_failed, 0) as times_failed,
        ran.last_failed_at,
        case
            when not rule.is_present then 'removed'
            when compared.dataset is not null and published.rule_id is null then 'new'
            when rule.definition_hash <> published.definition_hash then 'changed'
            when coalesce(ran.times_run, 0) = 0 then 'never_run'
            when ran.times_failed = 0 then 'never_failed'
        end as finding
    from rule
    left join ran using (dataset, rule_id)
    left join published using (dataset, rule_id)
    left join compared using (dataset)
    where rule.is_present or published.rule_id is not null
),

found as (
    select * from columns_found
    union all
    select * from rules_found
)

select
    found.dataset::text as dataset,
    dataset.title_zh::text as dataset_name,
    dataset.system::text as system,
    dataset.owner::text as owner,
    found.item_kind::text as item_kind,
    found.item::text as item,
    found.item_zh::text as item_zh,
    dimension.gb_dimension::text as gb_dimension,
    found.is_derived::boolean as is_derived,
    found.rule_count::int as rule_count,
    found.times_run::int as times_run,
    found.times_failed::int as times_failed,
    found.last_failed_at::timestamptz as last_failed_at,
    found.finding::text as finding
from found
inner join dataset using (dataset)
left join {{ ref('quality_dimension') }} as dimension using (dimension)
