"""The command line without services: help, options, errors, listings."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from eduplan import cli, ingest
from eduplan.commands import quarantine
from eduplan.errors import ContractError, EduplanError, PlatformError

run = CliRunner(env={"COLUMNS": "300", "TERMINAL_WIDTH": "300"})

VERBS = (
    "up", "down", "status", "demo", "ingest", "build", "indicators", "batches", "quarantine",
    "contracts", "report", "benchmarks", "reconcile",
)  # fmt: skip


def test_help_lists_every_verb() -> None:
    shown = run.invoke(cli.app, ["--help"])
    assert shown.exit_code == 0
    for verb in VERBS:
        assert f" {verb} " in shown.stdout, verb


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str) -> None:
    shown = run.invoke(cli.app, [verb, "--help"])
    assert shown.exit_code == 0
    assert len(shown.stdout.splitlines()) > 5


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, eduplan.cli as c\n"
        "try: c.app(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'airflow', 'great_expectations', 'pandas', 'polars', 'dbt', 'psycopg', 'httpx'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))\n"
    )
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("HEAVY []")
    assert time.monotonic() - started < 5  # under 1 s on a quiet machine


def test_a_mistake_in_usage_is_exit_code_2() -> None:
    for words in (
        ["nonsense"],
        ["ingest"],
        ["batches", "--format", "xml"],
        ["report", "--lang", "fr"],
    ):
        assert run.invoke(cli.app, words).exit_code == 2, words


@pytest.mark.parametrize(
    "error",
    [
        PlatformError("port 8080 is taken", hint="choose another"),
        ContractError("students.odcs.yaml: schema: no columns", hint="add columns"),
    ],
)
def test_an_expected_error_is_one_line_and_a_hint(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == [f"error: {error}", f"  what to do: {error.hint}"]  # type: ignore[attr-defined]


def test_a_wrong_setting_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EDUPLAN_DEMO_SCALE", "1000")
    monkeypatch.setattr(sys, "argv", ["eduplan", "status"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 1
    assert "EDUPLAN_DEMO_SCALE" in capsys.readouterr().err


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the listings find these rows."""

    def give(*rows: dict[str, Any]) -> None:
        for module in (cli, quarantine):
            monkeypatch.setattr(module, "query", lambda _name, **_values: [dict(r) for r in rows])

    return give


BATCH = {"batch": 7, "dataset": "students", "status": "held", "reason": "STU-101，请核对"}


def test_listing_as_json(answers: Callable[..., None]) -> None:
    answers(BATCH)
    shown = run.invoke(cli.app, ["batches", "--format", "json"])
    assert json.loads(shown.stdout) == [BATCH]
    assert "请核对" in shown.stdout  # readable, not escaped
    answers()
    assert json.loads(run.invoke(cli.app, ["batches", "-f", "json"]).stdout) == []


def test_listing_as_csv(answers: Callable[..., None]) -> None:
    answers(BATCH)
    shown = run.invoke(cli.app, ["batches", "--format", "csv"])
    assert shown.stdout == "batch,dataset,status,reason\n7,students,held,STU-101，请核对\n"


def test_listing_as_table(answers: Callable[..., None]) -> None:
    answers(BATCH)
    shown = run.invoke(cli.app, ["batches"])
    assert shown.stdout.splitlines()[0].split() == ["batch", "dataset", "status", "reason"]
    assert shown.stdout.splitlines()[1].split() == ["7", "students", "held", "STU-101，请核对"]
    answers()
    assert run.invoke(cli.app, ["batches"]).stdout == "No batch.\n"


def test_numbers_of_the_warehouse_are_numbers(answers: Callable[..., None]) -> None:
    row = {"value": Decimal("1.8750000000"), "target": Decimal("0E-10"), "of": Decimal("640.00")}
    answers({**row, "share": Decimal("97.7777777778")})
    shown = json.loads(run.invoke(cli.app, ["indicators", "-f", "json"]).stdout)
    assert shown == [{"value": 1.875, "target": 0, "of": 640, "share": 97.7777777778}]
    as_csv = run.invoke(cli.app, ["indicators", "-f", "csv"]).stdout
    assert as_csv.splitlines()[1] == "1.875,0,640,97.7777777778"
    table = run.invoke(cli.app, ["indicators"]).stdout
    assert table.splitlines()[1].split() == ["1.875", "0", "640", "97.7778"]


def test_quarantine_tells_how_many_more_there_are(answers: Callable[..., None]) -> None:
    answers({"dataset": "students", "row": 12, "rules": "STU-002", "total": 81})
    shown = run.invoke(cli.app, ["quarantine", "list", "--limit", "1"])
    assert "STU-002" in shown.stdout
    assert "total" not in shown.stdout
    assert "1 of 81 rows" in shown.output


def test_contracts_check_and_show() -> None:
    shown = run.invoke(cli.app, ["contracts", "check"])
    assert shown.exit_code == 0
    assert "contracts with" in shown.stdout
    listed = json.loads(run.invoke(cli.app, ["contracts", "show", "-f", "json"]).stdout)
    assert {"students", "teachers", "school_register"} <= {row["dataset"] for row in listed}
    one = json.loads(run.invoke(cli.app, ["contracts", "show", "students", "-f", "json"]).stdout)
    assert "身份证件号" in {column["header"] for column in one["columns"]}
    assert "STU-002" in {rule["rule"] for rule in one["rules"]}


def test_an_unknown_dataset_is_refused_with_the_list() -> None:
    shown = run.invoke(cli.app, ["contracts", "show", "pupils"])
    assert shown.exit_code == 2
    assert "students" in shown.output


def test_a_broken_contract_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.odcs.yaml").write_text("apiVersion: v3.1.0\nkind: DataContract\n")
    shown = run.invoke(cli.app, ["contracts", "check", str(tmp_path)])
    assert isinstance(shown.exception, ContractError)
    assert "x.odcs.yaml" in str(shown.exception)


def test_a_file_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    shown = run.invoke(cli.app, ["ingest", "students", str(tmp_path / "none.csv")])
    assert shown.exit_code == 2
    assert "does not exist" in shown.output


def test_a_folder_without_files_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = ingest.IngestReport("students", (), (), ())
    monkeypatch.setattr(ingest, "ingest", lambda *_args: empty)
    shown = run.invoke(cli.app, ["ingest", "students", str(tmp_path), "--period", "2025-2026"])
    assert isinstance(shown.exception, EduplanError)
    assert f"no file of students in {tmp_path}" in str(shown.exception)
    assert run.invoke(cli.app, ["ingest", "students"]).exit_code == 0
