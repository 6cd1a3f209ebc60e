-- The learner's number leaves as a keyed pseudonym. Times count by the clock of Beijing.
with

source as (
    {{ published('course_learning', [
        'learner_no', 'is_anonymous', 'started_at', 'is_test', 'is_deleted',
    ]) }}
),

dated as (
    select
        *,
        case
            when not pg_input_is_valid(started_at, 'timestamptz') then null
            when started_at ~ '(Z|[+-][0-9][0-9]:?[0-9]*)$'
                then (started_at::timestamptz at time zone 'Asia/Shanghai')::date
            else {{ parsed_date('left(started_at, 10)') }}
        end as started_date
    from source
),

final as (
    select
        case when coalesce(is_anonymous, 'false') <> 'true' then edu.pseudonym(learner_no) end
            as learner_key,
        {{ school_year_of('started_date') }} as period_year,
        batch_id
    from dated
    where coalesce(is_test, 'false') <> 'true' and coalesce(is_deleted, 'false') <> 'true'
)

select * from final
