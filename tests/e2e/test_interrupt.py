"""Ctrl-C while the demo starts: exit code 130, and not one process is left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from eduplan import supervisor
from eduplan.postgres import EmbeddedPostgres, free_port
from eduplan.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]


def parts(home: Path) -> set[str]:
    """Return what of the installation runs: components of Airflow and the city's maker."""
    found = set()
    for process in supervisor.marked_processes(home):
        try:
            found.add(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("moment", "number"), [("demo.city", signal.SIGINT), ("airflow scheduler", signal.SIGTERM)]
)
def test_a_signal_leaves_no_process(tmp_path: Path, moment: str, number: signal.Signals) -> None:
    home = tmp_path / "home"
    settings = Settings(home=home, airflow_port=free_port())
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("EDUPLAN_", "AIRFLOW"))},
        "EDUPLAN_HOME": str(home),
        "EDUPLAN_AIRFLOW_PORT": str(settings.airflow_port),
        "EDUPLAN_DEMO_SCALE": "0.3",  # large enough to be caught while it is made
        "EDUPLAN_PG_DURABLE": "false",
    }
    demo = subprocess.Popen(
        [sys.executable, "-m", "eduplan.cli", "demo"], env=environment, cwd=PROJECT,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while not any(moment in line for line in parts(home)):
            assert demo.poll() is None, demo.stdout and demo.stdout.read()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        demo.send_signal(number)
        output, _ = demo.communicate(timeout=120)
        assert demo.returncode == 130, output
        assert "Nothing is left running." in output
        assert parts(home) == set()
        assert not EmbeddedPostgres(home).running()
        assert supervisor.port_owner(settings.airflow_port) is None
    finally:
        demo.kill()
        supervisor.down(settings)
        EmbeddedPostgres(settings.home).remove()
