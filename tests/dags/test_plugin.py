"""The plugin as Airflow loads it, in every process: lightly; what it adds, as Airflow reads it."""

import json
import subprocess
import sys

import pytest

from tests.dags.conftest import PROJECT

pytestmark = pytest.mark.timeout(120)

# Counts what the import of the plugin adds to a process that has Airflow's plugin manager.
PROBE = """
import json, sys, time
import airflow.plugins_manager
before, start = set(sys.modules), time.perf_counter()
import eduplan_plugin
seconds = time.perf_counter() - start
print(json.dumps([sorted(set(sys.modules) - before), seconds]))
"""


def test_importing_it_costs_no_process_anything() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=PROJECT / "plugins", capture_output=True, text=True,
        check=True, timeout=100,
    )  # fmt: skip
    added, seconds = json.loads(done.stdout.splitlines()[-1])
    assert added == ["eduplan_plugin"]
    assert seconds < 0.2


def test_airflow_accepts_what_it_adds() -> None:
    from airflow.api_fastapi.core_api.datamodels.plugins import ExternalViewResponse

    import eduplan_plugin

    views = [
        ExternalViewResponse.model_validate(view)
        for view in eduplan_plugin.EduplanPlugin.external_views
    ]
    routes = [view.url_route for view in views]
    assert len(set(routes)) == len(routes)
    assert {view.destination for view in views} == {
        "nav",
        "dag",
        "dag_run",
        "task",
        "task_instance",
    }
    assert all(view.href.startswith("/eduplan/") for view in views)
    # A name in braces that Airflow does not know would stay as it is.
    known = {"dag": {"DAG_ID"}, "task": {"DAG_ID"}, "nav": set()}
    for view in views:
        asked = {part.partition("}")[0] for part in view.href.split("{")[1:]}
        assert asked <= known.get(view.destination, {"DAG_ID", "RUN_ID"}), view.href
