#!/usr/bin/env bash
# Runs once, when the server's data folder is empty: a role and a database for each purpose.
set -euo pipefail

psql --set=ON_ERROR_STOP=1 --username postgres \
  --set=airflow="$AIRFLOW_DB_PASSWORD" --set=eduplan="$EDUPLAN_DB_PASSWORD" <<'SQL'
create role airflow login password :'airflow';
create role eduplan login createrole password :'eduplan';
create database airflow owner airflow;
create database warehouse owner eduplan;
revoke connect on database airflow, warehouse from public;
SQL
