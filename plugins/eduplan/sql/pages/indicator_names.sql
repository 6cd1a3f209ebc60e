-- Names of the indicators. No parameters.
select indicator_code, indicator_name_zh from ref.indicator
