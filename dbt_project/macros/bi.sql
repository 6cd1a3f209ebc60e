{#- Views of schema bi: files carry the prefix bi_ (seeds own the bare names), relations do not. -#}
{% macro generate_alias_name(custom_alias_name=none, node=none) -%}
    {{ (custom_alias_name or node.name.removeprefix('bi_')) | trim }}
{%- endmacro %}

{#- Words of a code: joins dim_label as `alias`, with label_zh, label_en and sort_order. -#}
{% macro join_label(alias, code_set, code) -%}
left join {{ ref('dim_label') }} as {{ alias }}
    on {{ alias }}.code_set = '{{ code_set }}' and {{ alias }}.code = {{ code }}
{%- endmacro %}

{#- Renders to nothing: a pre-hook of every view of bi. It makes each wait for all marts the views read
    and for their tests, so that one that fails leaves all views as they are. -#}
{% macro after_all_marts() -%}
{%- for mart in [
    'dim_indicator', 'dim_label', 'dim_measure', 'dim_plan_version', 'dim_region', 'dim_school',
    'dim_stage', 'fct_school_measure', 'fct_task', 'ind_benchmark', 'ind_plan_comparison',
    'ind_progress', 'ind_projection', 'ind_revision', 'ind_value', 'qa_alert', 'qa_check_result',
    'qa_late_register', 'qa_pass_rate', 'qa_quarantine_burndown', 'qa_reconciliation',
    'qa_report_coverage',
] -%}
{%- do ref(mart) -%}
{%- endfor -%}
{%- endmacro %}

{#-
  A view of bi and its Chinese twin in one transaction, both `security_invoker`: row-level security of
  the tables holds for who reads the view. The twin has the same query; its name is the model's
  `meta.zh`, its columns' names and comments are their `meta.zh` and `meta.note`.
  A view is replaced in place, so that grants and views of others on it stay; where columns went or
  changed their type it is made anew. dbt's cache is not asked: see postgres__drop_relation.
-#}
{% materialization bi_view, adapter='postgres' -%}
    {%- set english = this.incorporate(type='view') -%}
    {%- set chinese = this.incorporate(path={'identifier': model.config.meta.zh}, type='view') -%}
    {%- set names = [] -%}
    {%- for column in model.columns.values() -%}
        {%- do names.append('bi_rows.' ~ column.name ~ ' as ' ~ adapter.quote(column.config.meta.zh)) -%}
    {%- endfor -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') -%}
        {{ get_assert_columns_equivalent(sql) }}
        {{ patiently(
            replace_view(english, sql)
            ~ replace_view(chinese, 'select ' ~ names | join(', ') ~ ' from (' ~ sql ~ ') as bi_rows')
        ) }}
        comment on view {{ chinese }} is {{ postgres_escape_comment(model.config.meta.note) }};
        {% for column in model.columns.values() -%}
        comment on column {{ chinese }}.{{ adapter.quote(column.config.meta.zh) }}
            is {{ postgres_escape_comment(column.config.meta.note) }};
        {% endfor %}
    {%- endcall %}
    {%- for relation in [english, chinese] -%}
        {%- do apply_grants(relation, config.get('grants'), should_revoke=True) -%}
    {%- endfor -%}
    {%- do persist_docs(english, model) -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [english, chinese]}) }}
{%- endmaterialization %}

{% macro replace_view(relation, sql) -%}
begin
    create or replace view {{ relation }} with (security_invoker = true) as
    {{ sql }};
exception when invalid_table_definition then
    drop view {{ relation }} cascade;
    create view {{ relation }} with (security_invoker = true) as
    {{ sql }};
end;
{% endmacro %}
