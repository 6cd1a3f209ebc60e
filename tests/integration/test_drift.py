"""A delivery that differs from its contract: each kind of event, through the real ingest."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
import xlsxwriter
from typer.testing import CliRunner

from eduplan import ingest
from eduplan.cli import app
from eduplan.contract import load_contracts
from eduplan.extract.shape import Field, similarity
from eduplan.quality import drift
from eduplan.settings import Settings
from tests.integration.test_ingest_kill import CONTRACT, project

PERIOD = "2025-2026"
COLUMNS = """
      - {name: name, businessName: 姓名, logicalType: string, classification: personal-direct}
      - name: ethnicity
        businessName: 民族
        logicalType: string
        customProperties: [{property: codes, value: {汉族: "01", 壮族: "08", 瑶族: "13"}}]
      - {name: note, businessName: 备注, logicalType: string}
    quality:"""
FULL = CONTRACT.replace("\n    quality:", COLUMNS, 1).replace("*.csv", "*.*")
HEADER = ["编号", "年龄", "姓名", "民族", "备注"]
PEOPLE = ("张三丰", "李四光", "王五", "赵六", "钱七", "孙八")


@pytest.fixture
def settings(tmp_path: Path, db_url: str) -> Settings:
    return project(tmp_path, db_url, FULL)


def rows(**changes: Any) -> list[dict[str, str]]:
    """Six good pupils; a change is one text for all of them or one each."""
    found = []
    for number, name in enumerate(PEOPLE):
        row = {"编号": f"A{number}", "年龄": "9", "姓名": name, "民族": "汉族", "备注": "住校"}
        for label, value in changes.items():
            row[label] = value if isinstance(value, str) else value[number]
        found.append(row)
    return found


def send(
    settings: Settings, content: list[dict[str, str]], header: list[str] = HEADER, **kw: Any
) -> ingest.IngestReport:
    folder = settings.source_root / "名册" / kw.get("period", PERIOD)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    lines = [header, *([row.get(label, "") for label in header] for row in content)]
    if kw.get("xlsx"):
        with xlsxwriter.Workbook(folder / "a.xlsx") as book:
            sheet = book.add_worksheet()
            for number, line in enumerate(lines):
                sheet.write_row(number, 0, line)
    else:
        text = "".join(",".join(line) + "\n" for line in lines)
        (folder / "a.csv").write_bytes(text.encode(kw.get("encoding", "gb18030")))
    return ingest.ingest(settings, "pupils")


def found(db: psycopg.Connection, settings: Settings, **only: str) -> list[dict[str, Any]]:
    events = drift.events(db, load_contracts(settings.expectations_dir), **only)
    db.commit()
    return events


def facts(events: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    return {(e["kind"], e["column_name"], e["related"], e["rule_id"], e["state"]) for e in events}


def rewrite(settings: Settings, old: str, new: str) -> None:
    (path,) = settings.expectations_dir.rglob("pupils.odcs.yaml")
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")


def test_a_delivery_as_agreed_has_no_event(settings: Settings, db: psycopg.Connection) -> None:
    assert send(settings, rows()).ok
    assert found(db, settings) == []


@pytest.mark.parametrize("xlsx", [False, True])
def test_new_column(settings: Settings, db: psycopg.Connection, xlsx: bool) -> None:
    header = [*HEADER, "监护人电话"]
    send(settings, rows(监护人电话="13800000000"), header, xlsx=xlsx)
    (event,) = found(db, settings)
    assert facts([event]) == {("new_column", "监护人电话", None, "LND-006", "open")}
    assert event["occurrences"] == 6
    assert "businessName: 监护人电话" in event["suggestion"]
    assert "classification: personal-direct" in event["suggestion"]
    assert "13800000000" not in json.dumps(event, default=str)


@pytest.mark.parametrize("xlsx", [False, True])
def test_missing_optional_column(settings: Settings, db: psycopg.Connection, xlsx: bool) -> None:
    send(settings, rows(), ["编号", "年龄", "姓名", "民族"], xlsx=xlsx)
    assert facts(found(db, settings)) == {("missing_column", "note", None, "DRF-001", "open")}


def test_missing_required_column_is_refused_with_a_guess(settings: Settings) -> None:
    report = send(settings, rows(年龄大小="9"), ["编号", "年龄大小", "姓名", "民族", "备注"])
    (result,) = report.failed
    assert result.error_code == "LND-004"
    assert "「年龄大小」像是「年龄」" in (result.error or "")


def test_renamed_column_is_one_event_and_read_once_the_contract_knows_it(
    settings: Settings, db: psycopg.Connection
) -> None:
    from eduplan.replay import replay

    header = ["编号", "年龄", "姓名", "民族", "备注信息"]
    send(settings, rows(备注信息="走读"), header)
    (event,) = found(db, settings)
    assert facts([event]) == {("renamed_column", "备注信息", "note", "LND-006", "open")}
    assert "aliases, value: [备注信息]" in event["suggestion"]
    assert db.execute("select distinct note from raw.pupils").fetchall() == [(None,)]
    db.commit()
    rewrite(
        settings,
        "{name: note, businessName: 备注, logicalType: string}",
        "{name: note, businessName: 备注, logicalType: string,"
        " customProperties: [{property: aliases, value: [备注信息]}]}",
    )
    assert facts(found(db, settings)) == {
        ("renamed_column", "备注信息", "note", "LND-006", "accepted")
    }
    contract = ingest.contract_of(settings, "pupils")
    (landed,) = replay(db, contract, why="contract learnt 备注信息")
    ids = [landed.batch_id or 0]
    ingest.audit_all(settings, "pupils", ids)
    ingest.publish_all(settings, "pupils", ids)
    assert db.execute("select distinct note from raw.pupils").fetchall() == [("走读",)]
    assert {e["state"] for e in found(db, settings)} == {"past"}


def test_values_tell_a_renamed_code_column_from_another_one(
    settings: Settings, db: psycopg.Connection
) -> None:
    """族别 looks little like 民族, but holds its codes; 族谱 holds none of them."""
    send(settings, rows(族别="壮族"), ["编号", "年龄", "姓名", "族别", "备注"])
    assert facts(found(db, settings)) == {
        ("renamed_column", "族别", "ethnicity", "LND-006", "open")
    }
    send(settings, rows(族谱="第三卷"), ["编号", "年龄", "姓名", "族谱", "备注"])
    assert facts([e for e in found(db, settings) if e["state"] == "open"]) == {
        ("new_column", "族谱", None, "LND-006", "open"),
        ("missing_column", "ethnicity", None, "DRF-001", "open"),
    }


def test_retyped_number(settings: Settings, db: psycopg.Connection) -> None:
    """Four of six ages are dates of birth: less than half are whole numbers."""
    ages = ["2016-09-01", "2016-09-02", "2016-09-03", "2016-09-04", "9", "9"]
    assert send(settings, rows(年龄=ages)).held
    (event,) = found(db, settings)
    assert facts([event]) == {("retyped_column", "age", None, "DRF-002", "open")}
    assert "6 个值中只有 2 个是整数" in event["detail"]
    assert "2016-09" not in json.dumps(event, default=str)


def test_retyped_text_against_what_was_published(
    settings: Settings, db: psycopg.Connection
) -> None:
    send(settings, rows(备注="住校"))
    send(settings, rows(备注=["1", "2", "1", "2", "1", "2"]))
    (event,) = found(db, settings)
    assert (event["kind"], event["column_name"], event["value"]) == (
        "retyped_column", "note", "integer",
    )  # fmt: skip


def test_unknown_codes_have_a_meaning_suggested_and_hide_people(
    settings: Settings, db: psycopg.Connection
) -> None:
    """08 is the meaning of 壮族; a name that slipped into the column is counted, not shown."""
    values = ["08", "08", "瑶", "汉族", "李四光", "孙大圣"]
    send(settings, rows(民族=values))
    events = found(db, settings, kind="unknown_code")
    assert {(e["value"], e["related"], e["occurrences"], e["rule_id"]) for e in events} == {
        ("08", "壮族", 2, "DRF-003"), ("瑶", "瑶族", 1, "DRF-003"), (None, None, 2, "DRF-003"),
    }  # fmt: skip
    first = next(e for e in events if e["value"] == "08")
    assert first["suggestion"].splitlines()[1] == '"08": "08"'
    told = json.dumps(events, default=str, ensure_ascii=False)
    assert "李四光" not in told and "孙大圣" not in told
    rewrite(settings, '瑶族: "13"}', '瑶族: "13", 瑶: "13"}')
    states = {e["value"]: e["state"] for e in found(db, settings, kind="unknown_code")}
    assert states == {"08": "open", "瑶": "accepted", None: "open"}


def test_encoding_is_accepted_by_declaring_it(settings: Settings, db: psycopg.Connection) -> None:
    send(settings, rows(), encoding="utf-8")
    (event,) = found(db, settings)
    assert (event["kind"], event["state"]) == ("encoding", "open")
    assert event["suggestion"] == "- {property: encoding, value: UTF-8}"
    rewrite(settings, "value: GB18030", "value: UTF-8")
    assert [e["state"] for e in found(db, settings)] == ["accepted"]


def test_observing_again_changes_nothing(settings: Settings, db: psycopg.Connection) -> None:
    header = ["编号", "年龄", "姓名", "族别", "备注"]
    report = send(settings, rows(族别="壮族", 年龄=["x", "y", "z", "u", "9", "9"]), header)
    (batch,) = report.audited
    before = facts(found(db, settings))
    assert {fact[0] for fact in before} == {"renamed_column", "retyped_column"}
    ingest.audit_all(settings, "pupils", [batch.batch_id])
    assert facts(found(db, settings)) == before


def test_command_line(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    send(settings, rows(备注信息="走读"), ["编号", "年龄", "姓名", "民族", "备注信息"])
    for name in ("project_dir", "home", "source_root", "database_url"):
        if hasattr(settings, name):
            monkeypatch.setenv(f"EDUPLAN_{name.upper()}", str(getattr(settings, name)))
    run = CliRunner()
    listed = run.invoke(app, ["drift", "list", "--open", "--format", "json"])
    assert listed.exit_code == 0, listed.output
    (line,) = json.loads(listed.stdout)
    assert (line["kind"], line["files"], line["rows"]) == ("renamed_column", 1, 6)
    shown = run.invoke(app, ["drift", "show", str(line["id"])])
    assert "aliases, value: [备注信息]" in shown.stdout
    assert run.invoke(app, ["drift", "show", "999"]).exit_code == 2


def test_similarity_by_hand() -> None:
    """年龄 in 年龄大小: 2·2/(2+4) = 0.67, and whole within it: 0.75."""
    known = Field("age", "年龄", frozenset({"年龄", "age"}), True, True, False)
    assert similarity("年龄大小", known) == 0.75
    assert similarity("电话", known) == 0.0
