-- Indicators that rest on each dataset, and on each pair of sources that is reconciled.
select 'dataset' as of, dataset as name, array_agg(distinct indicator_code order by indicator_code) as codes
from intermediate.int_indicator__inputs
group by dataset
union all
select 'reconciliation', r.code, array_agg(distinct t.indicator_code order by t.indicator_code)
from ref.reconciliation r
cross join lateral regexp_matches(r.left_terms || '+' || r.right_terms, '([a-z0-9_]+)@', 'g') as m (part)
join intermediate.int_indicator__terms t on t.measure_code = m.part[1]
group by r.code
