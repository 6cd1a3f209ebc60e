select action_code as code, action_name_en as name from ref.action
union all
select '', plan_name_en from ref.plan_version where plan_version = %(plan_version)s
