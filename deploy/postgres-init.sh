#!/usr/bin/env bash
# Runs once, when the server's data folder is empty: a role and a database for each purpose.
set -euo pipefail

psql --set=ON_ERROR_STOP=1 --username postgres \
  --set=airflow="$AIRFLOW_DB_PASSWORD" --set=eduplan="$EDUPLAN_DB_PASSWORD" \
  --set=superset="$SUPERSET_DB_PASSWORD" <<'SQL'
create role airflow login password :'airflow';
<<<<<<< HEAD
create role eduplan login password :'eduplan';
create role superset login password :'superset';
=======
create role eduplan login createrole password :'eduplan';
>>>>>>> views
create database airflow owner airflow;
create database warehouse owner eduplan;
create database superset owner superset;
revoke connect on database airflow, warehouse, superset from public;
SQL
