{{ config(materialized='view', post_hook=[]) }}
{#- Grain: dataset x rule: as its contract stands; of a rule that was removed, as it last stood. -#}
select distinct on (rule.dataset, rule.rule_id)
    rule.dataset,
    rule.rule_id,
    rule.level,
    rule.severity,
    rule.dimension,
    rule.sentence_zh,
    -- As text: column names have no commas.
    array_to_string(rule.columns, ',') as column_names,
    rule.is_derived,
    rule.definition_hash,
    rule.contract_hash
from {{ source('quality', 'contract_rule') }} as rule
inner join {{ source('quality', 'contract') }} as contract using (dataset, contract_hash)
order by rule.dataset, rule.rule_id, contract.last_seen_at desc, contract.first_seen_at desc
