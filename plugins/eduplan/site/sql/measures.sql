-- Names of the measures that indicators are made of.
select measure_code, measure_name_zh from ref.measure order by measure_code
