"""Airflow for the tests of DAG files: an empty home, no database, no server."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]

# Airflow reads its configuration when it is imported first: before any test module is.
if "airflow" not in sys.modules:
    home = tempfile.mkdtemp(prefix="airflow-")
    os.environ["AIRFLOW_HOME"] = home
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"
    os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(PROJECT / "dags")
    os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(Path(home) / "plugins")
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{home}/airflow.db"


def parse() -> Any:
    """Read the whole DAG folder."""
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(str(PROJECT / "dags"))


@pytest.fixture(scope="session")
def parsed() -> Iterator[tuple[Any, float]]:
    """The DAG bag and the seconds its parsing took, after imports."""
    import airflow.sdk  # noqa: F401

    import eduplan.contract  # noqa: F401

    parse()
    started = time.process_time()
    bag = parse()
    yield bag, time.process_time() - started
