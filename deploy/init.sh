#!/usr/bin/env bash
# Runs before the services start, every time: metadata, the first user, pools, the warehouse schema.
set -euo pipefail

airflow db migrate
if ! airflow users list --output plain | awk '{print $2}' | grep -qx admin; then
  airflow users create --username admin --role Admin --email admin@localhost \
    --firstname Admin --lastname Admin --password "$AIRFLOW_ADMIN_PASSWORD"
fi
eduplan pools >/tmp/pools.json
airflow pools import /tmp/pools.json
eduplan migrate
