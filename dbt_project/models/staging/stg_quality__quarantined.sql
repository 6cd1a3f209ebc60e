-- Of a quarantined row only its school and its place pass; the row itself stays in `quality`.
with

source as (
    select * from {{ source('quality', 'quarantined_row') }}
    where status = 'open'
),

batch as (
    select * from {{ source('ops', 'batch') }}
    where status = 'published'
)

select
    source.dataset,
    source.batch_id,
    case when source.period ~ '^\d{4}' then {{ period_year('source.period') }} end as batch_year,
    {{ clean("coalesce(source.payload ->> 'school_code', source.payload ->> 'reporter_code', source.payload ->> 'kindergarten_code')") }}
        as reporter_code,
    count(*) as row_count
from source
inner join batch using (batch_id)
group by 1, 2, 3, 4
