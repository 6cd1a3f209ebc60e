-- Findings on columns and rules by dataset. No parameters.
select
    dataset,
    min(dataset_name) as dataset_name,
    finding,
    item_kind,
    count(*) filter (where not is_derived)::bigint as written,
    count(*)::bigint as total,
    (array_agg(item order by is_derived, item) filter (
        where not is_derived
    ))[1:12] as items
from marts.qa_rule_coverage
where finding is not null
group by dataset, finding, item_kind
order by dataset, finding
