{#- Stages a school of a type teaches (GB/T 33782-2017 table 4). Nine-year, complete and
    twelve-year schools belong to several. -#}
{% macro stages_of_type(type_code) -%}
case
    when {{ type_code }} in ('111', '119') then array['preschool']
    when {{ type_code }} in ('211', '218', '219', '228') then array['primary']
    when {{ type_code }} in ('311', '319') then array['junior']
    when {{ type_code }} = '312' then array['primary', 'junior']
    when {{ type_code }} = '341' then array['junior', 'senior']
    when {{ type_code }} = '345' then array['primary', 'junior', 'senior']
    when {{ type_code }} in ('342', '349') then array['senior']
    when {{ type_code }} like '36%' then array['vocational']
    when {{ type_code }} like '5%' then array['special']
    else array[]::text[]
end
{%- endmacro %}

{#- Stage of a 学籍 grade label such as 初中二年级. -#}
{% macro stage_of_grade(grade) -%}
case left({{ grade }}, 2)
    when '小学' then 'primary' when '初中' then 'junior'
    when '高中' then 'senior' when '中职' then 'vocational'
end
{%- endmacro %}

{#- Number of the grade in its stage, 1 to 6. -#}
{% macro grade_number(grade) -%}
strpos('一二三四五六', substr({{ grade }}, 3, 1))
{%- endmacro %}

{#- Order of the semesters of a school year. -#}
{% macro semester_number(label) -%}
case left({{ label }}, 1) when '秋' then 1 when '春' then 2 end
{%- endmacro %}

{#- Stage of the 任教学段 label of a teacher. -#}
{% macro stage_of_teaching(label) -%}
case {{ label }}
    when '学前教育' then 'preschool' when '小学' then 'primary' when '初中' then 'junior'
    when '普通高中' then 'senior' when '中等职业教育' then 'vocational'
    when '特殊教育' then 'special'
end
{%- endmacro %}
