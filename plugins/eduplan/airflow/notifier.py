"""What every DAG tells the alert table: that a run failed, is late, or is well again.

Airflow runs these callbacks in the DAG processor, where nothing of a task is known but its state.
What is told is the name of the DAG and of the task: never a message, which may quote a value.
"""

import datetime as dt
from importlib import resources
from typing import Any

from airflow.sdk.bases.notifier import BaseNotifier

_INGEST = "ingest_"


class AlertNotifier(BaseNotifier):  # type: ignore[misc]  # Airflow is not typed
    """Raises the signal that a run of the DAG failed, or deletes it when ``over``."""

    template_fields = ()

    def __init__(self, over: bool = False) -> None:
        super().__init__()
        self.over = over

    def notify(self, context: Any) -> None:
        """Write what became of the run to ``quality.alert_signal``."""
        from eduplan import warehouse
        from eduplan.postgres import ensure_database
        from eduplan.settings import load_settings

        dag = context["dag"]
        instance = context.get("ti")
        task = "" if instance is None else str(instance.task_id)
        values = {
            "key": f"dag_failed:{dag.dag_id}",
            "dag": dag.dag_id,
            "dataset": dag.dag_id.removeprefix(_INGEST) if dag.dag_id.startswith(_INGEST) else None,
            "task": task,
            "owner": dag.owner,
            "run": str(context.get("run_id") or ""),
            "now": dt.datetime.now(dt.UTC),
        }
        name = "clear" if self.over else "raise_failed"
        query = (resources.files("eduplan") / "sql" / "alerts" / f"{name}.sql").read_bytes()
        with warehouse.connect(ensure_database(load_settings()), autocommit=True) as conn:
            conn.execute(query, values)


CALLBACKS: dict[str, Any] = {
    "on_failure_callback": AlertNotifier(),
    "on_success_callback": AlertNotifier(over=True),
}
"""Arguments of ``@dag``, the same for every DAG."""
