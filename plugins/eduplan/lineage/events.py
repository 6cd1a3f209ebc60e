"""OpenLineage: where events go, and the events of a build, model by model.

Off unless a receiver or a file is set. A receiver that is down or slow is given up after
``BUILD_SECONDS`` at most and never fails what it would have been told of.
"""

import datetime as dt
import json
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eduplan.lineage.facets import set_column_lineage
from eduplan.settings import Settings

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent

log = logging.getLogger(__name__)

REQUEST_SECONDS = 2
"""A receiver has so long to answer one request; there is no second try."""
TASK_SECONDS = 5
"""An event of an Airflow task may take so long in all."""
BUILD_SECONDS = 20
"""Sending the events of a build may take so long in all."""
BUILD_JOB = "dbt-build"
_COLUMNS = "column_lineage.json"


@dataclass(frozen=True)
class Parent:
    """The run that started a build (an Airflow task), and the run at the root of it (its DAG)."""

    namespace: str
    job: str
    run_id: str
    root_job: str
    root_run_id: str


def transport(settings: Settings) -> dict[str, Any] | None:
    """Return OpenLineage's description of the receiver, None when there is none.

    Holds the key: it is for an environment variable or a client, never for a log.
    """
    if settings.openlineage_url:
        found: dict[str, Any] = {
            "type": "http",
            "url": settings.openlineage_url,
            "timeout": REQUEST_SECONDS,
            "retry": {"total": 0, "read": 0, "connect": 0},
        }
        if settings.openlineage_api_key is not None:
            key = settings.openlineage_api_key.get_secret_value()
            found["auth"] = {"type": "api_key", "apiKey": key}
        return found
    if settings.openlineage_file is not None:
        path = settings.openlineage_file.expanduser().resolve()
        return {"type": "file", "log_file_path": str(path), "append": True}
    return None


def producer() -> str:
    """Return the URI by which events say who made them."""
    return f"urn:eduplan:{metadata.version('eduplan')}"


@dataclass(frozen=True)
class Build:
    """A finished build: dbt's target folder, and what is not in it.

    ``version`` is that of the project, ``invocation_id`` dbt's: a run that stopped before its end
    leaves the results of the one before.
    """

    artefacts: Path
    started: dt.datetime
    success: bool
    version: str
    invocation_id: str


def emit_build(settings: Settings, build: Build, parent: Parent | None) -> int:
    """Tell the receiver what a build read and wrote; return how many events it took.

    The connection of the profile must stand in the environment, as it does for dbt. Raises nothing:
    what goes wrong is a warning in the log.
    """
    described = transport(settings)
    if described is None:
        return 0
    try:
        from openlineage.client import OpenLineageClient

        client = OpenLineageClient(config={"transport": described})
        events = _build_events(settings, build, parent)
        return _send(client, events, time.monotonic() + BUILD_SECONDS)
    except Exception as error:
        log.warning("no OpenLineage events of this build: %s", type(error).__name__)
        return 0


def _send(client: Any, events: Iterable["RunEvent"], deadline: float) -> int:
    sent = 0
    for event in events:
        if time.monotonic() > deadline:
            log.warning("OpenLineage receiver too slow: given up after %s events", sent)
            break
        try:
            client.emit(event)
        except Exception as error:
            # Its text may repeat the request; the kind of error is enough.
            log.warning("OpenLineage receiver: %s after %s events", type(error).__name__, sent)
            break
        sent += 1
    return sent


def _build_events(settings: Settings, build: Build, parent: Parent | None) -> list["RunEvent"]:
    """Return START of the build, all of its models and tests, COMPLETE or FAIL of the build."""
    from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
    from openlineage.client.facet_v2 import job_type_job, parent_run
    from openlineage.client.uuid import generate_new_uuid
    from openlineage.common.provider.dbt import DbtLocalArtifactProcessor  # type: ignore[import-untyped]
    from openlineage.common.provider.dbt.facets import ParentRunMetadata  # type: ignore[import-untyped]

    namespace, run_id = settings.openlineage_namespace, str(generate_new_uuid())
    facets: dict[str, Any] = {}
    if parent is not None:
        facets["parent"] = parent_run.ParentRunFacet(
            run=parent_run.Run(runId=parent.run_id),
            job=parent_run.Job(namespace=parent.namespace, name=parent.job),
            root=parent_run.Root(
                run=parent_run.RootRun(runId=parent.root_run_id),
                job=parent_run.RootJob(namespace=parent.namespace, name=parent.root_job),
            ),
        )
    kind = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="DBT", jobType="JOB")
    job = Job(namespace=namespace, name=BUILD_JOB, facets={"jobType": kind})

    def of_build(state: RunState, when: dt.datetime) -> RunEvent:
        return RunEvent(
            eventType=state,
            eventTime=when.isoformat(),
            run=Run(runId=run_id, facets=facets),
            job=job,
            producer=producer(),
        )

    processor = DbtLocalArtifactProcessor(
        producer=producer(),
        project_dir=str(settings.dbt_dir),
        target_path=str(build.artefacts),
        job_namespace=namespace,
        skip_errors=True,
        logger=log,
    )
    processor.dbt_run_metadata = ParentRunMetadata(
        run_id=run_id,
        job_name=BUILD_JOB,
        job_namespace=namespace,
        root_parent_run_id=parent.root_run_id if parent else None,
        root_parent_job_name=parent.root_job if parent else None,
        root_parent_job_namespace=parent.namespace if parent else None,
    )
    models = processor.parse().events()
    if processor.run_metadata.get("invocation_id") != build.invocation_id:
        models = []
    cache = build.artefacts / _COLUMNS
    set_column_lineage(settings, processor.manifest, models, cache, build.version)
    return [
        of_build(RunState.START, build.started),
        *models,
        of_build(RunState.COMPLETE if build.success else RunState.FAIL, dt.datetime.now(dt.UTC)),
    ]


def warehouse_namespace(url: str) -> str:
    """Return the namespace of the warehouse's tables as dbt's events call it, without secrets."""
    from psycopg.conninfo import conninfo_to_dict

    info = conninfo_to_dict(url)
    return f"postgres://{info.get('host') or '127.0.0.1'}:{info.get('port') or 5432}"


def airflow_environment(settings: Settings) -> dict[str, str]:
    """Return the variables that switch Airflow's OpenLineage provider on, or off altogether."""
    described = transport(settings)
    if described is None:
        return {"AIRFLOW__OPENLINEAGE__DISABLED": "True"}
    key = settings.openlineage_api_key
    return {
        "AIRFLOW__OPENLINEAGE__DISABLED": "False",
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(described),
        "AIRFLOW__OPENLINEAGE__NAMESPACE": settings.openlineage_namespace,
        "AIRFLOW__OPENLINEAGE__EXTRACTORS": "eduplan.airflow.openlineage.TaskExtractor",
        "AIRFLOW__OPENLINEAGE__DISABLE_SOURCE_CODE": "True",
        "AIRFLOW__OPENLINEAGE__EXECUTION_TIMEOUT": str(TASK_SECONDS),
        # For the builds that tasks start.
        **{
            f"EDUPLAN_OPENLINEAGE_{name.upper()}": str(value)
            for name, value in (
                ("url", settings.openlineage_url),
                ("file", settings.openlineage_file),
                ("namespace", settings.openlineage_namespace),
                ("api_key", key and key.get_secret_value()),
            )
            if value
        },
    }
