"""What the tasks of the ingest and warehouse DAGs do: one call into eduplan each.

Return values go to XCom: ids and counts only, never a row or a name.
"""

import logging
from collections.abc import Mapping
from typing import Any

from airflow.sdk import Param
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from eduplan.airflow.errors import transient_errors_only
from eduplan.airflow.facts import note
from eduplan.settings import Settings, load_settings

log = logging.getLogger(__name__)

PARAMS = {
    "paths": Param(
        [],
        type="array",
        items={"type": "string"},
        description="Files to take; empty: all that the source folder has",
    ),
    "period": Param(
        None, type=["null", "string"], description="Period of these files, e.g. 2025-2026"
    ),
    "batch": Param(
        None,
        type=["null", "integer"],
        description="Publish this batch, decided on; no file is read",
    ),
    "replay": Param(
        False, type="boolean", description="Judge published and quarantined rows again instead"
    ),
    "why": Param(None, type=["null", "string"], description="Reason of the replay"),
}
"""What a run of an ingest DAG may be asked for."""

SETTLED = ("published", "superseded", "rejected")


def _settings() -> Settings:
    # The libraries underneath log hundreds of lines at INFO.
    for noisy in ("great_expectations", "sqlalchemy", "matplotlib"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    return load_settings()


def start(dataset: str, params: Mapping[str, Any], user: str | None, run_id: str) -> dict[str, Any]:
    """Take what the run was asked for: new deliveries, a batch decided on, or a replay.

    Notes in ``ops.batch_run`` which batches the run handles.
    """
    if params["batch"] is not None:
        taken = resume(dataset, params["batch"])
    elif params["replay"]:
        taken = replay(dataset, params["period"], user or "airflow", params["why"] or "")
    else:
        taken = land(dataset, params["paths"], params["period"])
    _note(dataset, run_id, taken)
    return taken


def _note(dataset: str, run_id: str, taken: Mapping[str, Any]) -> None:
    from eduplan import warehouse
    from eduplan.postgres import ensure_database

    refused = [f["batch_id"] for f in taken["failed"] if f["batch_id"] is not None]
    with transient_errors_only(), warehouse.connect(ensure_database(_settings())) as conn:
        conn.execute(
            "insert into ops.batch_run (dag_id, run_id, batch_id)"
            " select %s, %s, unnest(%s::bigint[]) on conflict do nothing",
            (
                f"ingest_{dataset}",
                run_id,
                [*taken["batch_ids"], *taken["unchanged_ids"], *refused],
            ),
        )


def land(dataset: str, paths: list[str], period: str | None) -> dict[str, Any]:
    """Land every pending delivery; return batch ids, what was unchanged and what failed.

    Skips, and with it all that follows, when nothing is new and nothing failed.
    """
    from pathlib import Path

    from eduplan import ingest
    from eduplan.airflow.connections import from_airflow

    with transient_errors_only():
        results = ingest.land_all(
            _settings(), dataset, tuple(Path(p) for p in paths), period, from_airflow
        )
    for result in results:
        log.info(
            "%s %s: %s, batch %s, %s rows, %s lines and %s files refused %s",
            dataset, result.period, result.outcome, result.batch_id, result.rows,
            result.rejected_rows, result.rejected_files, result.error_code or "",
        )  # fmt: skip
    if all(result.outcome == "unchanged" for result in results):
        # Skipping costs Airflow no process for each task behind.
        raise AirflowSkipException(f"{dataset}: nothing new")
    return {
        "batch_ids": [r.batch_id for r in results if r.outcome in ("landed", "resumed")],
        "unchanged_ids": [r.batch_id for r in results if r.outcome == "unchanged"],
        "failed": [
            {"period": r.period, "code": r.error_code, "batch_id": r.batch_id}
            for r in results
            if r.outcome == "failed"
        ],
        "rows": sum(r.rows for r in results if r.outcome in ("landed", "resumed")),
    }


def resume(dataset: str, batch_id: int) -> dict[str, Any]:
    """Return one batch that is to be judged and published again; skip when it is settled."""
    from eduplan import warehouse
    from eduplan.postgres import ensure_database

    with transient_errors_only(), warehouse.connect(ensure_database(_settings())) as conn:
        row = conn.execute(
            "select status, row_count from ops.batch where batch_id = %s and dataset = %s",
            (batch_id, dataset),
        ).fetchone()
    if row is None:
        raise AirflowFailException(f"{dataset} has no batch {batch_id}: see `eduplan batches`")
    status, rows = row
    if status not in ("landed", "audited", "held"):
        raise AirflowSkipException(f"{dataset}: batch {batch_id} is {status}, nothing to publish")
    return {"batch_ids": [batch_id], "unchanged_ids": [], "failed": [], "rows": rows}


def replay(dataset: str, period: str | None, actor: str, why: str) -> dict[str, Any]:
    """Land what is published and in quarantine to be judged again; skip when there is nothing."""
    from eduplan import warehouse
    from eduplan.ingest import contract_of
    from eduplan.postgres import ensure_database
    from eduplan.replay import replay as land_again

    settings = _settings()
    contract = contract_of(settings, dataset)
    with transient_errors_only(), warehouse.connect(ensure_database(settings)) as conn:
        results = land_again(conn, contract, period, None, actor, why)
    if not results:
        raise AirflowSkipException(f"{dataset}: nothing published to judge again")
    return {
        "batch_ids": [r.batch_id for r in results],
        "unchanged_ids": [],
        "failed": [],
        "rows": sum(r.rows for r in results),
    }


def audit(dataset: str, landed: dict[str, Any]) -> dict[str, int]:
    """Judge the landed batches; return counts by severity."""
    if not landed["batch_ids"]:
        log.info("%s: no new batch, nothing to judge", dataset)
        return {"batches": 0, "held": 0}
    from eduplan import ingest

    with transient_errors_only():
        results = ingest.audit_all(_settings(), dataset, landed["batch_ids"])
    note(batch_ids=landed["batch_ids"])
    for result in results:
        log.info(
            "batch %s: %s rows, %s critical, %s warning, %s info%s",
            result.batch_id, result.rows, result.critical_rows, result.warning_rows,
            result.info_rows, f"; held: {'; '.join(result.hold_reasons)}" if result.held else "",
        )  # fmt: skip
    return {
        "batches": len(results),
        "held": sum(r.held for r in results),
        "critical_rows": sum(r.critical_rows for r in results),
        "warning_rows": sum(r.warning_rows for r in results),
    }


def publish(dataset: str, landed: dict[str, Any]) -> dict[str, Any]:
    """Publish the audited batches that are not held; skip (wake nobody) when none was."""
    if not landed["batch_ids"]:
        raise AirflowSkipException(f"{dataset}: no new batch, nothing to publish")
    from eduplan import ingest

    with transient_errors_only():
        results = ingest.publish_all(_settings(), dataset, landed["batch_ids"])
    done = [
        (batch_id, result)
        for batch_id, result in zip(landed["batch_ids"], results, strict=True)
        if result.outcome == "published"
    ]
    for batch_id, result in done:
        log.info(
            "batch %s published: %s accepted, %s quarantined, supersedes %s",
            batch_id, result.accepted, result.quarantined, result.superseded or "nothing",
        )  # fmt: skip
    if not done:
        raise AirflowSkipException(f"{dataset}: no batch was published")
    note(rows=sum(r.accepted for _, r in done))
    return {
        "batch_ids": [batch_id for batch_id, _ in done],
        "rows": sum(r.accepted for _, r in done),
        "quarantined": sum(r.quarantined for _, r in done),
    }


def settle(dataset: str, landed: dict[str, Any]) -> None:
    """Fail, saying why and what to do, when a delivery failed or a batch waits for a person."""
    from eduplan import warehouse
    from eduplan.postgres import ensure_database

    ids = landed["batch_ids"] + landed["unchanged_ids"]
    with transient_errors_only(), warehouse.connect(ensure_database(_settings())) as conn:
        rows = conn.execute(
            "select batch_id, period, status, held_reason from ops.batch"
            " where batch_id = any(%s) order by batch_id",
            (ids,),
        ).fetchall()
    problems = [
        f"{dataset} {f['period']}: the delivery was refused ({f['code']})."
        f" What to do: see `eduplan batches --dataset {dataset}`, mend the file, send it again."
        for f in landed["failed"]
    ]
    for batch_id, period, status, reason in rows:
        if status == "held":
            problems.append(
                f"{dataset} {period}: batch {batch_id} is held: {reason}. What to do:"
                " decide under Browse, Required Actions, or with"
                f" `eduplan review show {batch_id}`; or have the sender deliver a corrected file."
            )
        elif status not in SETTLED:
            problems.append(
                f"{dataset} {period}: batch {batch_id} stopped at `{status}`;"
                " read the log of the task that failed and clear it."
            )
    if problems:
        raise AirflowFailException("\n".join(problems))


def unsettled(dataset: str) -> None:
    """Keep a run red whose `settle` failed: the tasks after it may have succeeded."""
    raise AirflowFailException(f"{dataset}: read the log of `settle`")


def build() -> dict[str, Any]:
    """Build the warehouse with dbt; skips in a second when nothing was published since."""
    from eduplan import transform

    with transient_errors_only():
        result = transform.build(_settings(), parent=_parent())
    log.info("%s", result)
    return {"status": str(getattr(result, "status", "success"))}


def _parent() -> Any:
    """Return this task as the parent of what it starts; None where nobody is told."""
    from eduplan.lineage import events

    if events.transport(load_settings()) is None:
        return None
    from airflow.providers.openlineage.plugins import macros
    from airflow.sdk import get_current_context

    running = get_current_context()["ti"]
    return events.Parent(
        namespace=macros.lineage_job_namespace(),
        job=macros.lineage_job_name(running),
        run_id=macros.lineage_run_id(running),
        root_job=macros.lineage_root_job_name(running),
        root_run_id=macros.lineage_root_run_id(running),
    )


def scorecard() -> str:
    """Write the scorecard page; return its path."""
    from eduplan.report import write_scorecard

    with transient_errors_only():
        path = write_scorecard(_settings())
    log.info("scorecard: %s", path)
    return str(path)


def site() -> str:
    """Write the static site; return its folder."""
    from eduplan.site import write_site

    with transient_errors_only():
        written = write_site(_settings())
    log.info("site: %s, %s pages, %s bytes", written.path, written.pages, written.size)
    return str(written.path)
