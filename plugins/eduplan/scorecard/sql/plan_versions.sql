select distinct plan_version from marts.ind_progress order by plan_version
