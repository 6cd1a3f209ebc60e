"""Watch the quality of the data: alerts, defect reports, the quality page.

**Purpose**: whoever must act knows it, once; what is over is taken back.

**Inputs**: the tables of `ops` and `quality`, the marts. Runs after every build
(`x-edu://built/warehouse`) and, where EDUPLAN_SCHEDULES is 1, every 15 minutes.

**Outputs**: `quality.alert`, `quality.alert_event`, messages by the routes of `alerts.yaml`,
workbooks under `outbox/`, the page `report/quality.html`.

**When it fails**: read the log of the task that failed; each is one step and the others do not
wait for it. `update_alerts` fails when a kind of alert cannot be judged: all others are up to
date. A message that could not be sent is no failure: the next run sends it.
"""

from datetime import timedelta

from airflow.sdk import TriggerRule, dag, task

from eduplan.airflow import watch
from eduplan.airflow.notifier import CALLBACKS


@dag(
    dag_id="quality_watch",
    dag_display_name="质量值守 quality_watch",
    description="alerts, defect reports, quality page",
    schedule=watch.schedule(),
    catchup=False,
    max_active_runs=1,
    tags=["alerts", "quality"],
    default_args={
        "owner": "eduplan",
        "retries": 1,
        "retry_delay": timedelta(seconds=30),
        "execution_timeout": timedelta(hours=1),
    },
    doc_md=__doc__,
    **CALLBACKS,
)
def quality_watch():
    """Judge, tell, report; the last task fails the run when one before it failed."""

    @task
    def update_alerts():
        return watch.update_alerts()

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def deliver():
        return watch.deliver()

    @task
    def defects():
        return watch.defects()

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def page():
        return watch.page()

    @task(trigger_rule=TriggerRule.ONE_FAILED, retries=0)
    def failed():
        watch.fail()

    updated, sent, reported, shown = update_alerts(), deliver(), defects(), page()
    updated >> [sent, shown]
    [updated, sent, reported, shown] >> failed()


quality_watch()
