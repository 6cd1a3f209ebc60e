{#- Grain: indicator x region x breakdown x period x revision: a published value that changed, and why.
    What is suppressed today shows no number of its past either. -#}
with

version as (
    select
        *,
        dbt_is_deleted::boolean as is_withdrawn,
        row_number() over history - 1 as revision_number,
        lag(value) over history as value_before,
        lag(numerator) over history as numerator_before,
        lag(denominator) over history as denominator_before,
        lag(is_suppressed) over history as was_suppressed,
        lag(batch_ids) over history as batch_ids_before,
        last_value(is_suppressed) over (
            history rows between unbounded preceding and unbounded following
        ) as is_hidden
    from {{ ref('snap_ind_value') }}
    window history as (partition by value_key order by dbt_valid_from)
),

compared as (
    select
        *,
        array(
            select unnest(batch_ids) except select unnest(batch_ids_before) order by 1
        ) as added_batch_ids,
        array(
            select unnest(batch_ids_before) except select unnest(batch_ids) order by 1
        ) as removed_batch_ids
    from version
    where revision_number > 0
),

-- A batch in words, to name it as the cause.
named as (
    select batch_id, batch_id::text || ' (' || dataset || ' ' || period || ')' as batch_name
    from {{ source('ops', 'batch') }}
),

final as (
    select
        compared.*,
        case
            when is_withdrawn then 'withdrawn'
            when is_suppressed <> was_suppressed then 'suppression'
            when cardinality(added_batch_ids) + cardinality(removed_batch_ids) > 0 then 'data'
            else 'definition'
        end as cause,
        (
            select string_agg(named.batch_name, '、' order by named.batch_id) from named
            where named.batch_id = any(compared.added_batch_ids)
        ) as added_names,
        (
            select string_agg(named.batch_name, '、' order by named.batch_id) from named
            where named.batch_id = any(compared.removed_batch_ids)
        ) as removed_names
    from compared
)

select
    indicator_code::text as indicator_code,
    region_level::text as region_level,
    region_code::text as region_code,
    region_code::text as county_code,
    breakdown::text as breakdown,
    breakdown_value::text as breakdown_value,
    period::text as period,
    period_year::int as period_year,
    revision_number::int as revision_number,
    dbt_valid_from::timestamptz as revised_at,
    case when not is_withdrawn and not is_hidden then value end::numeric(28, 10) as value,
    case when not is_hidden then value_before end::numeric(28, 10) as value_before,
    case when not is_withdrawn and not is_hidden then value - value_before end::numeric(28, 10) as value_change,
    case when not is_withdrawn and not is_hidden then numerator end::numeric(28, 10) as numerator,
    case when not is_hidden then numerator_before end::numeric(28, 10) as numerator_before,
    case when not is_withdrawn and not is_hidden then denominator end::numeric(28, 10) as denominator,
    case when not is_hidden then denominator_before end::numeric(28, 10) as denominator_before,
    cause::text as cause,
    added_batch_ids::bigint[] as added_batch_ids,
    removed_batch_ids::bigint[] as removed_batch_ids,
    case cause
        when 'withdrawn' then '数据撤回,不再有值'
        when 'suppression' then '小数保护的判定改变'
        when 'definition' then '口径、目标或程序改变,数据批次未变'
        else concat_ws(
            ';',
            '新批次 ' || added_names,
            '替换或撤下的批次 ' || removed_names
        )
    end::text as cause_zh
from final
