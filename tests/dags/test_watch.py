"""The DAG that watches quality, and what every DAG tells about its runs."""

from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

pytestmark = pytest.mark.timeout(180)


def test_every_step_of_the_watch_fails_alone(parsed: tuple[Any, float]) -> None:
    dag = parsed[0].dags["quality_watch"]
    assert {t.task_id: sorted(t.upstream_task_ids) for t in dag.tasks} == {
        "update_alerts": [],
        "deliver": ["update_alerts"],
        "defects": [],
        "page": ["update_alerts"],
        "failed": ["defects", "deliver", "page", "update_alerts"],
    }
    rules = {t.task_id: t.trigger_rule for t in dag.tasks}
    assert rules["deliver"] == rules["page"] == "all_done"
    assert rules["failed"] == "one_failed"


def test_the_watch_runs_after_every_build(
    parsed: tuple[Any, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    from eduplan.airflow import watch

    monkeypatch.delenv("EDUPLAN_SCHEDULES", raising=False)
    assert [asset.uri for asset in watch.schedule()] == ["x-edu://built/warehouse"]
    monkeypatch.setenv("EDUPLAN_SCHEDULES", "1")
    both = watch.schedule()
    assert [asset.uri for asset in both.asset_condition.objects] == ["x-edu://built/warehouse"]
    assert both.timetable.expression == "*/15 * * * *"
    scorecard = parsed[0].dags["build_warehouse"].get_task("scorecard")
    assert [asset.uri for asset in scorecard.outlets] == ["x-edu://built/warehouse"]


def test_every_dag_tells_of_failure_and_success(parsed: tuple[Any, float]) -> None:
    from eduplan.airflow.notifier import AlertNotifier

    for dag_id, dag in parsed[0].dags.items():
        (failure,), (success,) = (
            found if isinstance(found, list) else [found]
            for found in (dag.on_failure_callback, dag.on_success_callback)
        )
        assert isinstance(failure, AlertNotifier), dag_id
        assert (failure.over, success.over) == (False, True), dag_id


@pytest.fixture
def told(db_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call the notifier as Airflow does; return the signals that stand."""
    from eduplan.airflow.notifier import AlertNotifier

    monkeypatch.setenv("EDUPLAN_DATABASE_URL", db_url)

    def tell(dag_id: str, task: str = "", *, over: bool = False) -> list[tuple[Any, ...]]:
        context: dict[str, Any] = {
            "dag": SimpleNamespace(dag_id=dag_id, owner="学籍科", get_template_env=lambda: None),
            "run_id": "manual__1",
            "reason": "张三 450499201001011234",
        }
        if task:
            context["ti"] = SimpleNamespace(task_id=task)
        AlertNotifier(over=over).notify(context)
        with psycopg.connect(db_url) as conn:
            return conn.execute(
                "select dedupe_key, title, dataset, magnitude::int, detail"
                " from quality.alert_signal"
            ).fetchall()

    return tell


def test_a_failed_run_is_a_signal_until_one_succeeds(told: Any) -> None:
    once = ("dag_failed:ingest_students", "ingest_students 运行失败（任务 land）", "students")
    assert told("ingest_students", "land") == [(*once, 1, "run manual__1")]
    assert told("ingest_students", "land") == [(*once, 2, "run manual__1")]
    assert told("ingest_teachers", over=True) == [(*once, 2, "run manual__1")]
    assert told("ingest_students", over=True) == []
    assert told("build_warehouse")[0][:3] == (
        "dag_failed:build_warehouse", "build_warehouse 运行失败", None,
    )  # fmt: skip


def test_a_refused_or_held_delivery_is_no_failed_run(told: Any, db: psycopg.Connection) -> None:
    insert = (
        "insert into ops.batch (dataset, period, status, content_hash, contract_version,"
        " contract_hash) values ('students', '2025-2026', %s, %s, '1', '0')"
    )
    db.execute(insert, ("held", "a"))
    db.commit()
    assert told("ingest_students", "settle") == []
    assert told("ingest_students", "unsettled") == []
    db.execute(insert, ("landed", "b"))  # settle failed because audit did
    db.commit()
    assert len(told("ingest_students", "settle")) == 1
