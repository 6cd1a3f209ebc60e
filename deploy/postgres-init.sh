#!/usr/bin/env bash
# Runs once, when the server's data folder is empty: a role and a database for each purpose.
set -euo pipefail

psql --set=ON_ERROR_STOP=1 --username postgres \
  --set=airflow="$AIRFLOW_DB_PASSWORD" --set=eduplan="$EDUPLAN_DB_PASSWORD" \
  --set=superset="$SUPERSET_DB_PASSWORD" <<'SQL'
create role airflow login password :'airflow';
create role eduplan login createrole password :'eduplan';
create role superset login password :'superset';
create database airflow owner airflow;
create database warehouse owner eduplan;
create database superset owner superset;
-- Readers enter the warehouse and nothing else, and what only a superuser can close there is closed
-- (docs/access.md).
revoke connect, temporary on database airflow, warehouse, superset, postgres, template1 from public;
\connect warehouse
do $$ declare f regprocedure; begin
  for f in select oid from pg_proc where pronamespace = 'pg_catalog'::regnamespace
      and proname ~ '^(lo_|lowrite$|loread$|pg_(try_)?advisory_|pg_logical_emit_message$)' loop
    execute format('revoke execute on routine %s from public', f);
    execute format('grant execute on routine %s to eduplan', f);
  end loop;
end $$;
SQL
