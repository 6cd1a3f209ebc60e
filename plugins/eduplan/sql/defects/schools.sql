insert into defect_school
select distinct on (edu.clean(school_code)) edu.clean(school_code), coalesce(edu.clean(school_name), '')
from raw.school_register
where edu.clean(school_code) ~ '^[0-9]{10}$'
order by edu.clean(school_code), _batch_id desc, _file, _row
