"""The DAG files: what they are made of, and that they are read the same way every time."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from eduplan.contract import load_contracts
from eduplan.settings import load_settings
from tests.dags.conftest import PROJECT, parse

pytestmark = pytest.mark.timeout(300)

CONTRACTS = load_contracts(load_settings().expectations_dir)
PARSE_BUDGET_SECONDS = 3.0


@pytest.fixture
def dags(parsed: tuple[Any, float]) -> dict[str, Any]:
    return dict(parsed[0].dags)


def test_no_import_errors_and_one_dag_per_contract(parsed: tuple[Any, float]) -> None:
    bag, _ = parsed
    assert bag.import_errors == {}
    others = {"build_warehouse", "quality_watch", "review_batch"}
    assert set(bag.dags) == others | {f"ingest_{name}" for name in CONTRACTS}


def test_the_folder_is_parsed_within_its_budget(parsed: tuple[Any, float]) -> None:
    assert parsed[1] < PARSE_BUDGET_SECONDS


def test_every_dag_has_owner_tags_and_documentation(dags: dict[str, Any]) -> None:
    for dag_id, dag in dags.items():
        assert dag.tags, dag_id
        for heading in ("Purpose", "Inputs", "Outputs", "When it fails"):
            assert f"**{heading}**" in dag.doc_md, f"{dag_id}: {heading}"
        for task in dag.tasks:
            assert task.owner not in ("", "airflow"), f"{dag_id}.{task.task_id}"


def test_tasks_and_their_order(dags: dict[str, Any]) -> None:
    for name in CONTRACTS:
        dag = dags[f"ingest_{name}"]
        assert {t.task_id: sorted(t.downstream_task_ids) for t in dag.tasks} == {
            "land": ["audit", "publish", "settle"], "audit": ["publish"],
            "publish": ["settle"], "settle": ["unsettled", "waiting"], "unsettled": [],
            "waiting": ["review"], "review": [],
        }  # fmt: skip
        # A run without anything refused or held starts neither.
        for task_id in ("waiting", "unsettled"):
            assert dag.get_task(task_id).trigger_rule == "one_failed"
        assert dag.get_task("review").partial_kwargs["trigger_dag_id"] == "review_batch"
        assert dag.get_task("review").partial_kwargs["skip_when_already_exists"]
        # Where nothing was published, but something was delivered, they run all the same.
        assert dag.get_task("settle").trigger_rule == "none_failed_min_one_success"
        assert dag.max_active_runs == 1
        assert not dag.catchup
    assert {t.task_id for t in dags["build_warehouse"].tasks} == {"build", "scorecard", "site"}


def test_only_what_changes_data_has_an_outlet(dags: dict[str, Any]) -> None:
    outlets = {
        (dag_id, task.task_id): [asset.uri for asset in task.outlets]
        for dag_id, dag in dags.items()
        for task in dag.tasks
        if task.outlets
    }
    assert outlets == {
        (f"ingest_{name}", "publish"): [f"x-edu://published/{name}"] for name in CONTRACTS
    } | {("build_warehouse", "scorecard"): ["x-edu://built/warehouse"]}


def test_the_warehouse_waits_for_any_published_asset(dags: dict[str, Any]) -> None:
    condition = dags["build_warehouse"].timetable.asset_condition
    assert type(condition).__name__ == "AssetAny"
    assert {asset.uri for asset in condition.objects} == {
        f"x-edu://published/{name}" for name in CONTRACTS
    }
    assert dags["build_warehouse"].max_active_runs == 1


def test_source_tasks_share_the_pool_of_their_system(dags: dict[str, Any]) -> None:
    for name, contract in CONTRACTS.items():
        for task in dags[f"ingest_{name}"].tasks:
            assert task.pool == contract.pool
            assert task.retries == 2


def test_parameters_of_an_ingest_run(dags: dict[str, Any]) -> None:
    for name in CONTRACTS:
        params = dags[f"ingest_{name}"].params
        assert params["paths"] == []
        assert params["period"] is None
        params["period"] = "2025-2026"
        params.validate()
        params["period"] = None
        assert (params["batch"], params["replay"], params["why"]) == (None, False, None)
        params["batch"] = 17
        params.validate()
        params["batch"] = None


def test_no_schedule_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from eduplan.airflow.schedules import schedule_of

    contract = next(c for c in CONTRACTS.values() if c.schedule)
    monkeypatch.delenv("EDUPLAN_SCHEDULES", raising=False)
    assert schedule_of(contract) is None
    monkeypatch.setenv("EDUPLAN_SCHEDULES", "1")
    assert schedule_of(contract) == contract.schedule


def test_serialized_the_same_when_parsed_twice(dags: dict[str, Any]) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    def serialized(found: dict[str, Any]) -> dict[str, str]:
        return {i: json.dumps(DagSerialization.to_dict(d)) for i, d in sorted(found.items())}

    assert serialized(dags) == serialized(dict(parse().dags))


def test_a_task_reads_only_the_contract_of_its_dag(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.dag_processing.dagbag import DagBag

    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "ingest_students")
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_TASK_ID", "land")
    bag = DagBag(str(PROJECT / "dags" / "ingest.py"))
    assert set(bag.dags) == {"ingest_students"}


def test_dag_files_are_thin_and_import_nothing_heavy() -> None:
    for path in sorted((PROJECT / "dags").glob("*.py")):
        source = path.read_text()
        assert not path.name.startswith("dbt_"), "dbt would import it as a plugin"
        assert len(source.splitlines()) < 130, path.name
        modules = {
            name
            for node in ast.walk(ast.parse(source))
            for name in (
                [a.name for a in node.names] if isinstance(node, ast.Import)
                else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            )
        }  # fmt: skip
        allowed = re.compile(
            r"airflow\.sdk|datetime|eduplan\.(airflow\.\w+|airflow|contract|settings)"
        )
        assert all(allowed.fullmatch(m) for m in modules), f"{path.name}: {modules}"


def test_airflow_is_imported_in_its_own_folder_only() -> None:
    package = PROJECT / "plugins" / "eduplan"
    pattern = re.compile(r"^\s*(from|import) airflow\b", re.M)
    guilty = [
        p.relative_to(package).as_posix()
        for p in package.rglob("*.py")
        if pattern.search(p.read_text()) and p.relative_to(package).parts[0] != "airflow"
    ]
    assert guilty == []


def test_airflow_does_not_take_the_package_for_plugins() -> None:
    ignored = Path(PROJECT / "plugins" / ".airflowignore").read_text().split()
    assert ignored[0] == "eduplan/"
