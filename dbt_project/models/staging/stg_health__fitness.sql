-- Student numbers, birth dates and the single marks stop here. Text stays as published: the
-- aggregate cleans each distinct value once instead of every row.
with

source as (
    {{ published('fitness', ['school_code', 'grade_code', 'sex', 'is_exempt', 'level']) }}
)

select
    school_code,
    grade_code,
    sex,
    is_exempt,
    level,
    period as school_year,
    batch_id
from source
