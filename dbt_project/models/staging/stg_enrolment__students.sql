-- Names, identity and student numbers, phones, addresses and guardians stop here.
-- Text stays as published: the aggregate cleans each distinct value once instead of every row.
with

source as (
    {{ published('students', [
        'school_code', 'sex', 'birth_date', 'grade', 'class_name', 'entry_month', 'boarding',
        'source_type', 'is_migrant', 'is_purchased_place', 'status',
    ]) }}
),

final as (
    select
        school_code,
        sex,
        -- Age reached on the 1 September the period starts with; other notations cost a parse.
        case
            when length(birth_date) = 8 and ltrim(birth_date, '0123456789') = ''
                then {{ period_year('period') }} - left(birth_date, 4)::int
                    - (right(birth_date, 4) > '0901')::int
            else {{ period_year('period') }}
                - extract(year from {{ parsed_date('birth_date') }})::int
                - (to_char({{ parsed_date('birth_date') }}, 'MMDD') > '0901')::int
        end as age_years,
        grade,
        class_name,
        entry_month,
        boarding,
        source_type,
        is_migrant,
        is_purchased_place,
        status,
        period as school_year,
        batch_id
    from source
)

select * from final
