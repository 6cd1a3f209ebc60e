"""Build the warehouse, its scorecard and its site whenever a dataset was published.

**Purpose**: bring the indicators up to date with what was published.

**Inputs**: any asset `x-edu://published/<dataset>`.

**Outputs**: the schemas `staging`, `intermediate`, `marts` and `bi`; results of every model and
test in `ops.build_node`; the scorecard page under `report/`; the static site under `site/`; the
asset `x-edu://built/warehouse`.

**When it fails**: the log of `build` names the model or test, its message and its compiled SQL.
Mend it and clear the task; readers keep the last good tables meanwhile. A build is skipped when
nothing was published since the last good one.
"""

from datetime import timedelta

from airflow.sdk import AssetAny, dag, task

from eduplan.airflow import tasks
from eduplan.airflow.assets import built, datasets, published
from eduplan.airflow.notifier import CALLBACKS
from eduplan.settings import load_settings

ASSETS = [published(name) for name in datasets(load_settings().expectations_dir)]


@dag(
    dag_id="build_warehouse",
    dag_display_name="指标仓库 build_warehouse",
    description="dbt build, scorecard and site",
    schedule=AssetAny(*ASSETS),
    catchup=False,
    max_active_runs=1,
    tags=["dbt", "warehouse"],
    default_args={
        "owner": "eduplan",
        "retries": 2,
        "retry_delay": timedelta(seconds=30),
        "execution_timeout": timedelta(hours=3),
    },
    doc_md=__doc__,
    **CALLBACKS,
)
def build_warehouse():
    """Run dbt in one task, then write the scorecard and the site."""

    @task
    def build():
        return tasks.build()

    @task(outlets=[built()])
    def scorecard():
        return tasks.scorecard()

    @task
    def site():
        return tasks.site()

    build() >> [scorecard(), site()]


build_warehouse()
