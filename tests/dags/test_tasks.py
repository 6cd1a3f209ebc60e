"""What the tasks do with results and errors; the pipeline underneath is replaced."""

import json
import logging
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

pytestmark = pytest.mark.timeout(120)


@dataclass(frozen=True)
class Landed:
    period: str
    batch_id: int | None
    outcome: str
    rows: int = 10
    rejected_rows: int = 0
    files: int = 1
    rejected_files: int = 0
    error_code: str | None = None


@dataclass(frozen=True)
class Published:
    batch_id: int
    outcome: str
    accepted: int = 9
    quarantined: int = 1
    superseded: tuple[int, ...] = ()


def returns(value: Any) -> Any:
    def call(*_args: Any) -> Any:
        if isinstance(value, BaseException):
            raise value
        return value

    return call


def test_land_says_what_is_new_unchanged_and_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from eduplan import ingest
    from eduplan.airflow import tasks

    found = [
        Landed("2023-2024", 1, "unchanged"),
        Landed("2024-2025", 2, "landed"),
        Landed("2025-2026", 3, "resumed"),
        Landed("2026-2027", 4, "failed", error_code="LND-001"),
    ]
    monkeypatch.setattr(ingest, "land_all", returns(found))
    assert tasks.land("students", [], None) == {
        "batch_ids": [2, 3],
        "unchanged_ids": [1],
        "failed": [{"period": "2026-2027", "code": "LND-001", "batch_id": 4}],
        "rows": 20,
    }


@pytest.mark.parametrize("found", [[], [Landed("2023-2024", 1, "unchanged")]])
def test_nothing_new_skips_all_that_follows(
    monkeypatch: pytest.MonkeyPatch, found: list[Landed]
) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    from eduplan import ingest
    from eduplan.airflow import tasks

    monkeypatch.setattr(ingest, "land_all", returns(found))
    with pytest.raises(AirflowSkipException, match="nothing new"):
        tasks.land("students", [], None)


def test_what_goes_to_xcom_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    from eduplan import ingest
    from eduplan.airflow import tasks

    many = [Landed(str(1900 + n), n, "landed", rows=10**6) for n in range(100)]
    monkeypatch.setattr(ingest, "land_all", returns(many))
    assert len(json.dumps(tasks.land("students", [], None))) < 8192


def test_publish_wakes_nobody_when_nothing_was_published(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    from eduplan import ingest
    from eduplan.airflow import tasks

    with pytest.raises(AirflowSkipException):
        tasks.publish("students", {"batch_ids": []})
    monkeypatch.setattr(ingest, "publish_all", returns([Published(7, "held")]))
    with pytest.raises(AirflowSkipException):
        tasks.publish("students", {"batch_ids": [7]})
    both = [Published(7, "held"), Published(8, "published")]
    monkeypatch.setattr(ingest, "publish_all", returns(both))
    assert tasks.publish("students", {"batch_ids": [7, 8]}) == {
        "batch_ids": [8], "rows": 9, "quarantined": 1,
    }  # fmt: skip


def test_audit_imports_nothing_when_there_is_nothing_new(monkeypatch: pytest.MonkeyPatch) -> None:
    from eduplan import ingest
    from eduplan.airflow import tasks

    monkeypatch.setattr(ingest, "audit_all", returns(AssertionError("called")))
    assert tasks.audit("students", {"batch_ids": []}) == {"batches": 0, "held": 0}


def test_settle_fails_with_what_to_do(db_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    from eduplan.airflow import tasks

    monkeypatch.setenv("EDUPLAN_DATABASE_URL", db_url)
    with psycopg.connect(db_url) as conn:
        ids = [
            conn.execute(
                "insert into ops.batch (dataset, period, status, content_hash, contract_version,"
                " contract_hash, held_reason) values ('students', %s, %s, %s, '1', 'x', %s)"
                " returning batch_id",
                row,
            ).fetchone()[0]
            for row in (
                ("2023-2024", "published", "a", None),
                ("2024-2025", "held", "b", "STU-101"),
                ("2025-2026", "landed", "c", None),
            )
        ]
    none = {"batch_ids": [], "unchanged_ids": [], "failed": []}
    tasks.settle("students", none)
    tasks.settle("students", {**none, "batch_ids": ids[:1]})
    with pytest.raises(AirflowFailException, match="is held: STU-101.*What to do"):
        tasks.settle("students", {**none, "unchanged_ids": ids[:2]})
    with pytest.raises(AirflowFailException, match="stopped at `landed`"):
        tasks.settle("students", {**none, "batch_ids": ids[2:]})
    refused = [{"period": "2025-2026", "code": "LND-001", "batch_id": 9}]
    with pytest.raises(AirflowFailException, match="refused .LND-001.*eduplan batches"):
        tasks.settle("students", {**none, "failed": refused})


def test_only_transient_errors_are_retried() -> None:
    from airflow.sdk.exceptions import AirflowException, AirflowFailException

    from eduplan.airflow.errors import transient_errors_only
    from eduplan.errors import AuditError, ContractError, SourceError

    lasting = [
        ContractError("no such column"), AuditError("rule"), FileNotFoundError("x"),
        psycopg.errors.UndefinedTable("x"), ValueError("a bug"),
    ]  # fmt: skip
    for error in lasting:
        with pytest.raises(AirflowFailException), transient_errors_only():
            raise error
    with pytest.raises(AirflowException) as caught, transient_errors_only():
        raise psycopg.OperationalError("server closed the connection")
    assert not isinstance(caught.value, AirflowFailException)
    with pytest.raises(AirflowException) as caught, transient_errors_only():
        raise SourceError("the line was cut", transient=True)
    assert not isinstance(caught.value, AirflowFailException)
    with pytest.raises(ConnectionResetError), transient_errors_only():
        raise ConnectionResetError("reset")


def test_values_of_a_row_stay_out_of_the_log(db: psycopg.Connection) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    from eduplan.airflow.errors import transient_errors_only

    db.execute("create temp table pupil (id_number text primary key)")
    with pytest.raises(AirflowFailException) as caught, transient_errors_only():
        for _ in range(2):
            db.execute("insert into pupil values ('450499201001011234')")
    assert "450499" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert "UniqueViolation" in str(caught.value)


def test_log_lines_hold_counts_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from eduplan import ingest
    from eduplan.airflow import tasks

    monkeypatch.setattr(ingest, "land_all", returns([Landed("2024-2025", 2, "landed")]))
    with caplog.at_level(logging.INFO, "eduplan.airflow.tasks"):
        tasks.land("students", [], None)
    assert "students 2024-2025: landed, batch 2, 10 rows" in caplog.text
