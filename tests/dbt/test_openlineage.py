"""What an OpenLineage receiver is told of a build, and that it never holds a build up."""

import datetime as dt
import json
import socket
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eduplan import transform
from eduplan.lineage import events
from eduplan.settings import Settings
from tests.openlineage_receiver import Receiver, check, names

pytestmark = pytest.mark.timeout(600)

PARENT = events.Parent(
    namespace="eduplan",
    job="build_warehouse.build",
    run_id="01941a29-7c00-7000-8000-000000000001",
    root_job="build_warehouse",
    root_run_id="01941a29-7c00-7000-8000-000000000002",
)
STARTED = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def finished(settings: Settings, success: bool = True) -> events.Build:
    """The build whose artefacts lie there."""
    target = settings.home / "dbt" / "target"
    results = json.loads((target / "run_results.json").read_text("utf-8"))
    return events.Build(target, STARTED, success, "test", results["metadata"]["invocation_id"])


def emit(built_by: Settings, receiver: str, build: events.Build | None = None, **more: Any) -> int:
    settings = built_by.model_copy(update={"openlineage_url": receiver, **more})
    assert settings.database_url
    with transform.connection(settings.database_url):
        return events.emit_build(settings, build or finished(settings), PARENT)


@pytest.fixture(scope="module")
def told(built: transform.BuildResult, dbt_settings: Settings) -> list[dict[str, Any]]:
    """The events of the mini city's build."""
    with Receiver() as receiver:
        key = Settings(openlineage_api_key="k-123").openlineage_api_key  # type: ignore[arg-type]
        sent = emit(dbt_settings, receiver.url, openlineage_api_key=key)
        assert len(receiver.bodies) == sent
        assert receiver.keys == {"Bearer k-123"}
        return receiver.events


def one(told: list[dict[str, Any]], job: str, kind: str = "COMPLETE") -> dict[str, Any]:
    (found,) = [e for e in told if e["job"]["name"] == job and e["eventType"] == kind]
    return found


def test_every_event_is_what_the_specification_asks_for(told: list[dict[str, Any]]) -> None:
    for event in told:
        check(event)
        assert event["job"]["namespace"] == "eduplan"
    starts = Counter(e["run"]["runId"] for e in told if e["eventType"] == "START")
    ends = Counter(e["run"]["runId"] for e in told if e["eventType"] != "START")
    assert starts == ends
    assert set(starts.values()) == {1}


def test_every_model_of_the_build_is_told(
    told: list[dict[str, Any]], built: transform.BuildResult
) -> None:
    models = {n.node_id.split(".")[2] for n in built.nodes if n.resource_type == "model"}
    seen = {
        e["job"]["facets"]["dbt_node"]["unique_id"].split(".")[2]
        for e in told
        if e["eventType"] == "COMPLETE" and e["job"]["facets"]["jobType"]["jobType"] == "MODEL"
    }
    assert seen == models


def test_runs_hang_on_the_task_that_built(told: list[dict[str, Any]]) -> None:
    build = one(told, events.BUILD_JOB)
    assert build["run"]["facets"]["parent"]["run"]["runId"] == PARENT.run_id
    assert build["run"]["facets"]["parent"]["job"]["name"] == "build_warehouse.build"
    model = one(told, "mini_city.marts.eduplan.ind_progress.build.run")
    assert model["run"]["facets"]["parent"]["run"]["runId"] == build["run"]["runId"]
    assert model["run"]["facets"]["parent"]["root"]["run"]["runId"] == PARENT.root_run_id


def columns_of(event: dict[str, Any], column: str) -> set[tuple[str, str, str]]:
    (output,) = event["outputs"]
    return {
        (source["name"], source["field"], source["transformations"][0]["type"])
        for source in output["facets"]["columnLineage"]["fields"][column]["inputFields"]
    }


def test_datasets_and_columns_of_a_model(told: list[dict[str, Any]]) -> None:
    """A staging model reads its published dataset; each column comes from the column it cleans."""
    event = one(told, "mini_city.staging.eduplan.stg_finance__schools.build.run")
    assert {name for _, name in names(event["inputs"])} == {"mini_city.raw.finance_school"}
    (output,) = event["outputs"]
    assert output["name"] == "mini_city.staging.stg_finance__schools"
    assert columns_of(event, "training_yuan") == {
        ("mini_city.raw.finance_school", "training", "DIRECT")
    }


def test_a_common_table_expression_is_no_dataset(told: list[dict[str, Any]]) -> None:
    event = one(told, "mini_city.marts.eduplan.ind_progress.build.run")
    assert ("mini_city.marts.ind_value", "value", "DIRECT") in columns_of(event, "value")
    assert columns_of(event, "action_name_zh") == {
        ("mini_city.ref.action", "action_name_zh", "DIRECT")
    }
    for told_of in told:
        for output in told_of.get("outputs", []):
            for field in output["facets"].get("columnLineage", {}).get("fields", {}).values():
                assert all(f["name"].startswith("mini_city.") for f in field["inputFields"])


def test_tests_are_told_as_assertions(told: list[dict[str, Any]]) -> None:
    event = one(told, "mini_city.marts.eduplan.dim_stage.build.test")
    (table,) = event["inputs"]
    assert [
        (a["assertion"], a["column"], a["success"])
        for a in table["inputFacets"]["dataQualityAssertions"]["assertions"]
    ] == [("unique", "stage", True)]


def test_nothing_of_a_person_and_no_secret_is_told(told: list[dict[str, Any]]) -> None:
    text = json.dumps(told, ensure_ascii=False)
    assert "张某" not in text  # the name of every pupil of the mini city
    assert "password" not in text.lower()
    for event in told:
        assert "environmentVariables" not in event["run"]["facets"]


def test_a_receiver_that_is_down_costs_nothing(
    built: object, dbt_settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens
        started = time.monotonic()
        assert emit(dbt_settings, f"http://127.0.0.1:{taken.getsockname()[1]}") == 0
        assert time.monotonic() - started < 30
    assert "OpenLineage receiver: ConnectionError after 0 events" in caplog.text


def test_a_slow_receiver_is_given_up(
    built: object, dbt_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that answers late is left at once; one that drags on, after a while."""
    monkeypatch.setattr(events, "REQUEST_SECONDS", 0.2)
    with Receiver(delay=2) as receiver:
        assert emit(dbt_settings, receiver.url) == 0
    monkeypatch.setattr(events, "REQUEST_SECONDS", 2)
    monkeypatch.setattr(events, "BUILD_SECONDS", 0.5)
    with Receiver(delay=0.2) as receiver:
        assert 1 <= emit(dbt_settings, receiver.url) <= 4


def test_a_run_that_stopped_early_does_not_tell_the_one_before(
    built: object, dbt_settings: Settings
) -> None:
    """dbt leaves the results of the run before where it cannot even begin."""
    stopped = replace(finished(dbt_settings, success=False), invocation_id="another")
    with Receiver() as receiver:
        assert emit(dbt_settings, receiver.url, stopped) == 2
        assert [e["eventType"] for e in receiver.events] == ["START", "FAIL"]


def test_a_broken_artefact_is_a_warning(
    tmp_path: Path, dbt_settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings = dbt_settings.model_copy(update={"openlineage_file": tmp_path / "events.jsonl"})
    assert events.emit_build(settings, events.Build(tmp_path, STARTED, True, "", ""), None) == 0
    assert "no OpenLineage events of this build" in caplog.text


def test_off_is_off(dbt_settings: Settings) -> None:
    assert events.transport(dbt_settings) is None
    nowhere = events.Build(Path("nowhere"), STARTED, True, "", "")
    assert events.emit_build(dbt_settings, nowhere, None) == 0
    assert events.airflow_environment(dbt_settings) == {"AIRFLOW__OPENLINEAGE__DISABLED": "True"}


def test_a_key_shows_in_no_text_of_the_settings() -> None:
    settings = Settings(openlineage_url="http://x:1", openlineage_api_key="k-123")  # type: ignore[arg-type]
    assert "k-123" not in f"{settings} {settings!r} {settings.model_dump_json()}"
    environment = events.airflow_environment(settings)
    transport = json.loads(environment["AIRFLOW__OPENLINEAGE__TRANSPORT"])
    assert transport["auth"]["apiKey"] == "k-123"
    # A task waits so long for its event and no longer, whatever the receiver does.
    assert (transport["timeout"], transport["retry"]["total"]) == (2, 0)
    assert environment["AIRFLOW__OPENLINEAGE__EXECUTION_TIMEOUT"] == "5"


def test_events_go_to_a_file(built: object, dbt_settings: Settings, tmp_path: Path) -> None:
    settings = dbt_settings.model_copy(update={"openlineage_file": tmp_path / "events.jsonl"})
    assert settings.database_url
    with transform.connection(settings.database_url):
        sent = events.emit_build(settings, finished(settings, success=False), None)
    lines = (tmp_path / "events.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == sent
    assert json.loads(lines[-1])["eventType"] == "FAIL"
    assert json.loads(lines[0])["eventTime"].startswith("2026-01-01")
