"""What the demo prints at its end, counted by hand."""

import dataclasses
import io
from importlib import resources

import psycopg
import pytest
from psycopg.rows import dict_row
from rich.console import Console

from eduplan.audit import audit
from eduplan.demo_summary import caught_table, quality
from eduplan.publish import publish
from tests.integration.by_hand import column, contract, land_rows, row_rule, table_rule

CAUGHT = (resources.files("eduplan") / "sql" / "listing" / "caught.sql").read_bytes()

PUPILS = contract(
    "pupils",
    [column("age")],
    [
        row_rule("PUP-001", "age ~ '^[0-9]+$'", columns=["age"]),
        row_rule("PUP-002", "age <> '99'", severity="warning", columns=["age"]),
        row_rule("PUP-003", "age <> '7'", severity="info", columns=["age"]),
        table_rule("PUP-101", "select 'all', count(*) from {batch} b having count(*) > 4",
                   severity="warning"),
    ],
)  # fmt: skip
STRICT = contract(
    "teachers", [column("age")], [row_rule("TEA-001", "age <> 'x'")], max_reject_rate=0.1
)


@pytest.fixture
def caught(db: psycopg.Connection, db_url: str) -> list[dict[str, object]]:
    # Of five rows two are critical, one a warning, one an information; five are too many.
    first = land_rows(db, PUPILS, "2025-2026", [["x"], ["y"], ["99"], ["7"], ["8"]], rejected=1)
    db.execute(
        "insert into quality.quarantined_row (batch_id, dataset, period, file_no, row_no, payload,"
        " rules, reasons) values (%s, 'pupils', '2025-2026', 1, 9, '{}', '{LND-011}', '{}')",
        (first,),
    )
    db.execute(
        "insert into ops.batch_file (batch_id, file_no, path, sha256, size_bytes, format, status)"
        " values (%s, 2, 'pupils/bad.csv', '', 0, 'csv', 'rejected')",
        (first,),
    )
    db.execute(
        "insert into ops.drift_event (batch_id, file_no, dataset, kind, column_name)"
        " values (%s, 1, 'pupils', 'new_column', '备注')",
        (first,),
    )
    db.commit()
    audit(db_url, PUPILS, first)
    assert publish(db, PUPILS, first).outcome == "published"
    held = land_rows(db, STRICT, "2025-2026", [["x"], ["8"]])
    audit(db_url, STRICT, held)
    assert publish(db, STRICT, held).outcome == "held"
    with db.cursor(row_factory=dict_row) as cur:
        return cur.execute(CAUGHT).fetchall()


def test_every_kind_of_finding_is_counted_once(caught: list[dict[str, object]]) -> None:
    assert caught == [
        {"dataset": "pupils", "critical_rows": 2, "warning_rows": 1, "info_rows": 1,
         "refused_lines": 1, "refused_files": 1, "table_rules": 1, "drift_events": 1,
         "held_batches": 0},
        {"dataset": "teachers", "critical_rows": 1, "warning_rows": 0, "info_rows": 0,
         "refused_lines": 0, "refused_files": 0, "table_rules": 0, "drift_events": 0,
         "held_batches": 1},
    ]  # fmt: skip


def test_a_line_for_each_source_and_one_of_sums(caught: list[dict[str, object]]) -> None:
    known = {"pupils": PUPILS, "teachers": dataclasses.replace(STRICT, system="staff")}
    table = caught_table(caught, known)
    columns = [list(column.cells) for column in table.columns]
    assert columns[0] == ["staff", "test", "合计"]
    assert columns[1] == ["1", "2", "3"]  # critical rows
    assert columns[-1] == ["1", "", "1"]  # held batches


def test_the_end_of_the_demo_names_open_alerts(
    db: psycopg.Connection, db_url: str, caught: list[dict[str, object]]
) -> None:
    for number in range(22):
        db.execute(
            "insert into quality.alert (dedupe_key, kind, severity, title, runbook, opened_at,"
            " last_seen_at, status) values (%s, 'batch_held', %s, %s, '', now(), now(), %s)",
            (
                f"k{number}", "critical" if number == 21 else "warning", f"告警{number}",
                "recovered" if number == 0 else "open",
            ),
        )  # fmt: skip
    db.commit()
    console = Console(file=io.StringIO(), width=160)
    quality(db_url, {"pupils": PUPILS}, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "open alerts: 21" in text
    assert "告警0\n" not in text
    assert text.index("告警21") < text.index("告警1 ")
    assert "另有 1 条" in text
