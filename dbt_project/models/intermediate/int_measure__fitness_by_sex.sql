{#- Physical fitness of girls and boys. Where nobody of a sex was rated there are 0 of 0. -#}
select
    counted.school_code as reporter_code,
    'school' as reporter_level,
    counted.period_year,
    counted.stage,
    measure.measure_code,
    part.sex,
    coalesce(
        sum(counted.pupil_count) filter (
            where counted.sex = part.sex and counted.level = any(measure.levels)
        ), 0
    )::numeric as value,
    'fitness' as family,
    max(counted.batch_id) as batch_id
from {{ ref('int_fitness__counted') }} as counted
cross join (values ('female'), ('male')) as part (sex)
cross join (values
    ('fitness_good', array['优秀', '良好']),
    ('fitness_rated', array['优秀', '良好', '及格', '不及格'])
) as measure (measure_code, levels)
where counted.stage is not null
group by 1, 2, 3, 4, 5, 6
