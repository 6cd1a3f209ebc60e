# One image for every service of docker-compose.yml.
FROM python:3.12.8-slim-bookworm

RUN apt-get update \
    && apt-get install -y --no-install-recommends curl libpq5 tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 50000 --create-home --shell /usr/sbin/nologin eduplan

WORKDIR /opt/eduplan

# The lock first: a change of code does not reinstall the packages.
COPY deploy/requirements.lock deploy/requirements.lock
RUN python -m pip install --no-cache-dir uv \
    && uv pip install --system --no-cache --no-deps --compile-bytecode -r deploy/requirements.lock

COPY pyproject.toml README.md LICENSE alerts.yaml access.yaml ./
COPY plugins plugins
COPY dags dags
COPY expectations expectations
COPY dbt_project dbt_project
COPY demo demo
COPY docs docs
COPY bi bi
RUN uv pip install --system --no-cache --no-deps --editable . \
    && mkdir -p /var/lib/eduplan /srv/sources \
    && chown eduplan: /var/lib/eduplan

ENV AIRFLOW_HOME=/var/lib/eduplan/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/eduplan/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/eduplan/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    EDUPLAN_PROJECT_DIR=/opt/eduplan \
    EDUPLAN_HOME=/var/lib/eduplan \
    EDUPLAN_SOURCE_ROOT=/srv/sources \
    EDUPLAN_SCHEDULES=1 \
    DO_NOT_TRACK=1 \
    GX_ANALYTICS_ENABLED=false \
    DBT_SEND_ANONYMOUS_USAGE_STATS=False

USER eduplan
ENTRYPOINT ["tini", "--"]
CMD ["airflow", "version"]
