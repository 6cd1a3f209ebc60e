"""The DAG that asks a person about a held batch. Its waiting task is never run here: it waits."""

import copy
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from eduplan.quality import review

pytestmark = pytest.mark.timeout(180)

PERIOD = "2026-2027"


@pytest.fixture
def dag(parsed: tuple[Any, float]) -> Any:
    return parsed[0].dags["review_batch"]


@pytest.fixture
def warehouse(db: psycopg.Connection, db_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("EDUPLAN_DATABASE_URL", db_url)
    return db


def add(db: psycopg.Connection, status: str = "held", dataset: str = "teachers") -> int:
    row = db.execute(
        "insert into ops.batch (dataset, period, status, content_hash, contract_version,"
        " contract_hash, row_count, scope, held_reason)"
        " values (%s, %s, %s, md5(random()::text), '1', 'x', 300, 'period', '人数骤减')"
        " returning batch_id",
        (dataset, PERIOD, status),
    ).fetchone()
    assert row is not None
    db.commit()
    return int(row[0])


def held(db: psycopg.Connection) -> tuple[int, int]:
    """Add a held batch of teachers; return its id and its review's."""
    from eduplan.airflow import tasks
    from eduplan.ingest import contract_of

    batch = add(db)
    contract = contract_of(tasks.load_settings(), "teachers")
    asked = review.ask(
        db, contract, {"batch_id": batch, "period": PERIOD, "row_count": 300}, ["人数骤减"], 0
    )
    db.commit()
    return batch, asked


def state(db: psycopg.Connection, asked: int) -> tuple[Any, ...]:
    db.rollback()
    found = review.find(db, review_id=asked)
    return found.status, found.decision, found.decided_by, found.batch_status


def test_tasks_and_their_order(dag: Any) -> None:
    assert {t.task_id: sorted(t.downstream_task_ids) for t in dag.tasks} == {
        "preview": ["decide"], "decide": ["apply"], "apply": ["publish"], "publish": [],
    }  # fmt: skip
    decide = dag.get_task("decide")
    # A preview that failed does not stop the request; one that found nothing to ask does.
    assert decide.trigger_rule == "none_skipped"
    assert (decide.retries, dag.get_task("preview").retries) == (0, 0)


def test_nothing_is_decided_by_waiting(dag: Any) -> None:
    decide = dag.get_task("decide")
    assert decide.defaults is None
    assert decide.response_timeout == timedelta(days=14)
    assert decide.options == ["发布全部可放行的行", "剔除问题行后发布", "退回"]
    assert decide.execute_complete({}, {"error": "…", "error_type": "timeout"}) == {
        "decision": None, "by": None, "why": None,
    }  # fmt: skip


def test_the_answer_of_a_person(dag: Any) -> None:
    import datetime as dt

    answer = dag.get_task("decide").execute_complete(
        {},
        {
            "chosen_options": ["剔除问题行后发布"],
            "params_input": {"why": "已核实"},
            "responded_at": dt.datetime(2026, 1, 5, tzinfo=dt.UTC),
            "responded_by_user": {"id": "7", "name": "王老师"},
        },
    )
    assert answer == {"decision": "release_clean", "by": "王老师", "why": "已核实"}


def test_a_review_needs_its_number(dag: Any) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    params = copy.deepcopy(dag.params)
    with pytest.raises(ParamValidationError):
        params.validate()
    params["review_id"] = 3
    params.validate()


def test_each_held_batch_is_asked_about_once(warehouse: psycopg.Connection) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    from eduplan.airflow import review as steps

    assert steps.waiting("teachers") == []
    _, asked = held(warehouse)
    start = [{"trigger_run_id": f"review_{asked}", "conf": {"review_id": asked}}]
    assert steps.waiting("teachers") == start
    assert steps.waiting("students") == []
    assert steps.preview(asked, f"review_{asked}") == 0  # no warehouse is built: nothing moves
    assert steps.waiting("teachers") == []
    warehouse.execute("update ops.batch set status = 'superseded'")
    warehouse.commit()
    with pytest.raises(AirflowSkipException, match="nothing waits"):
        steps.preview(asked, f"review_{asked}")


@pytest.mark.parametrize("decision", ["release", "release_clean"])
def test_a_release_starts_the_ingest_that_publishes(
    warehouse: psycopg.Connection, decision: str
) -> None:
    from eduplan.airflow import review as steps

    batch, asked = held(warehouse)
    answer = {"decision": decision, "by": "王老师", "why": "已核实"}
    started = [
        {
            "trigger_dag_id": "ingest_teachers",
            "trigger_run_id": f"review_{asked}",
            "conf": {"batch": batch},
        }
    ]
    assert steps.apply(asked, answer) == started
    assert steps.apply(asked, answer) == started  # killed before it started: cleared and run again
    assert state(warehouse, asked) == ("decided", decision, "王老师", "held")


def test_a_rejection_publishes_nothing(warehouse: psycopg.Connection) -> None:
    from eduplan.airflow import review as steps

    _, asked = held(warehouse)
    assert steps.apply(asked, {"decision": "reject", "by": "王老师", "why": ""}) == []
    assert state(warehouse, asked) == ("decided", "reject", "王老师", "rejected")


def test_no_answer_publishes_nothing(warehouse: psycopg.Connection) -> None:
    from eduplan.airflow import review as steps

    _, asked = held(warehouse)
    assert steps.apply(asked, {"decision": None, "by": None, "why": None}) == []
    assert state(warehouse, asked) == ("expired", None, None, "held")


def test_a_late_answer_says_so(warehouse: psycopg.Connection) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    from eduplan.airflow import review as steps

    batch, asked = held(warehouse)
    review.close_waiting(warehouse, batch)
    warehouse.execute("update ops.batch set status = 'superseded'")
    warehouse.commit()
    with pytest.raises(AirflowFailException, match=f"batch {batch} .*superseded, not held"):
        steps.apply(asked, {"decision": "release", "by": "王老师", "why": ""})
    assert state(warehouse, asked) == ("withdrawn", None, None, "superseded")


def test_the_request_is_composed_when_it_is_asked(
    dag: Any, warehouse: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.providers.standard.operators.hitl import HITLOperator

    batch, asked = held(warehouse)
    monkeypatch.setattr(HITLOperator, "execute", lambda self, _context: (self.subject, self.body))
    decide = dag.get_task("decide").prepare_for_execution()
    decide.review_id = str(asked)
    context = {"ti": SimpleNamespace(xcom_pull=lambda task_ids: None)}
    subject, body = decide.execute(context)
    assert subject.endswith(f"{PERIOD}：第 {batch} 批等待审核")
    assert "- 人数骤减" in body
    assert "预览没有算成" in body


def test_what_an_ingest_run_is_asked_for(
    warehouse: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

    from eduplan.airflow import tasks

    none = {"paths": [], "period": None, "batch": None, "replay": False, "why": None}
    batch, gone = add(warehouse), add(warehouse, "superseded")
    assert tasks.start("teachers", none | {"batch": batch}, None, "run 1") == {
        "batch_ids": [batch], "unchanged_ids": [], "failed": [], "rows": 300,
    }  # fmt: skip
    with pytest.raises(AirflowSkipException, match="is superseded"):
        tasks.start("teachers", none | {"batch": gone}, None, "run 2")
    with pytest.raises(AirflowFailException, match="students has no batch"):
        tasks.start("students", none | {"batch": batch}, None, "run 3")
    with pytest.raises(AirflowFailException, match="a replay needs a reason"):
        tasks.start("teachers", none | {"replay": True}, None, "run 4")
    with pytest.raises(AirflowSkipException, match="nothing published to judge again"):
        tasks.start("teachers", none | {"replay": True, "why": "规则改了"}, "王老师", "run 5")
    # Asked again, the run is noted once; what was refused is noted nowhere.
    tasks.start("teachers", none | {"batch": batch}, None, "run 1")
    tasks.start("teachers", none | {"batch": batch}, None, "run 6")
    noted = warehouse.execute(
        "select dag_id, run_id, batch_id from ops.batch_run order by run_id"
    ).fetchall()
    assert noted == [("ingest_teachers", run, batch) for run in ("run 1", "run 6")]
