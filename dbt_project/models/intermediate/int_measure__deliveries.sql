{#-
  DIG-02 by school year: from the month of the first reading of any platform to that of the latest,
  each dataset owes one delivery a month. It is on time when a batch was published in that month,
  or when a reading in that month found that nothing had changed.
-#}
with

dataset as (
    select unnest(array[
        'training_teachers', 'training_records', 'literacy_assessments', 'course_catalog',
        'course_learning'
    ]) as dataset
),

reading as (
    select
        pull.dataset, pull.status,
        date_trunc('month', pull.started_at at time zone 'Asia/Shanghai')::date as month
    from {{ source('ops', 'pull') }} as pull
    inner join dataset using (dataset)
),

published as (
    select
        batch.dataset, batch.batch_id,
        date_trunc('month', batch.published_at at time zone 'Asia/Shanghai')::date as month
    from {{ source('ops', 'batch') }} as batch
    inner join dataset using (dataset)
    where batch.published_at is not null
),

due as (
    select dataset.dataset, month::date as month
    from (select min(month) as first_month, max(month) as last_month from reading) as span
    cross join generate_series(span.first_month, span.last_month, interval '1 month') as month
    cross join dataset
),

counted as (
    select
        {{ school_year_of('due.month') }} as period_year,
        count(*) as deliveries_due,
        count(*) filter (where
            exists (
                select from published
                where published.dataset = due.dataset and published.month = due.month
            )
            or exists (
                select from reading
                where reading.dataset = due.dataset and reading.month = due.month
                    and reading.status = 'unchanged'
            )
        ) as deliveries_on_time,
        (select max(batch_id) from published) as batch_id
    from due
    group by 1
)

select
    region.region_code as reporter_code,
    'county' as reporter_level,
    counted.period_year,
    'all' as stage,
    measure.measure_code,
    -- The platforms are the city's: its counties owe nothing.
    case when region.region_level = 'city_run' then measure.value else 0 end::numeric as value,
    'platforms' as family,
    counted.batch_id
from counted
inner join {{ ref('region') }} as region on region.region_level <> 'city'
cross join lateral (values
    ('deliveries_due', counted.deliveries_due),
    ('deliveries_on_time', counted.deliveries_on_time)
) as measure (measure_code, value)
