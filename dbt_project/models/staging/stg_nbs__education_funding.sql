-- A blank year was not published; it is not zero.
with

source as (
    {{ published('nbs_education_funding', ['region_name', 'year', 'amount_10k_yuan']) }}
),

final as (
    select
        {{ clean('region_name') }} as region_name,
        left({{ clean('year') }}, 4)::int as calendar_year,
        {{ number('amount_10k_yuan') }} as amount_10k_yuan,
        batch_id
    from source
)

select * from final
