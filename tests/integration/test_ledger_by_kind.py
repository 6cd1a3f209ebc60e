"""The measurement of detection itself: a ledger and verdicts whose numbers are plain."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.conftest import PROJECT
from tests.e2e.ledger import KindRow, by_kind, compare, summary, table

LEDGER = """\
dataset,period,file,sheet,row,column,kind,rule_id,note
students,2026,a.csv,,2,id,check-digit,STU-01,
students,2026,a.csv,,3,id,check-digit,STU-01,
students,2026,a.csv,,4,sex,sex-unknown,STU-02,
students,2026,a.csv,,5,sex,sex-unknown,STU-02,
students,2026,b.csv,,,,not-a-table,LND-013,
students,2026,a.csv,,,,too-few,STU-90,
"""
BLIND = """\
dataset,period,file,sheet,row,column,kind,rule_id,note
students,2026,a.csv,,8,name,wrong-name,,
students,2026,a.csv,,9,name,wrong-name,,
"""


@pytest.fixture
def ledger(tmp_path: Path, db: psycopg.Connection) -> Path:
    """Rows 2, 3: found. 4: missed, but accused by STU-01. 5: missed. 6: a false accusation.

    9, which is wrong but looks right, is accused by chance. Both files were refused, b.csv rightly.
    """
    (tmp_path / "_ledger.csv").write_text(LEDGER, encoding="utf-8")
    (tmp_path / "_blind.csv").write_text(BLIND, encoding="utf-8")
    row = db.execute(
        "insert into ops.batch (dataset, period, status, content_hash, contract_version,"
        " contract_hash) values ('students', '2026', 'published', 'a', '1', 'b')"
        " returning batch_id"
    ).fetchone()
    assert row is not None
    batch = row[0]
    db.execute(
        "insert into ops.batch_file (batch_id, file_no, path, sha256, size_bytes, format, status,"
        " error_code) values (%s, 1, 'a.csv', 'c', 1, 'csv', 'landed', null),"
        " (%s, 2, 'b.csv', 'd', 1, 'csv', 'rejected', 'LND-013'),"
        " (%s, 3, 'c.csv', 'e', 1, 'csv', 'rejected', 'LND-014')",
        (batch, batch, batch),
    )
    for row_no, rule in ((2, "STU-01"), (3, "STU-01"), (4, "STU-01"), (6, "STU-02"), (9, "STU-03")):
        db.execute(
            "insert into quality.row_verdict (batch_id, file_no, row_no, rules, severity)"
            " values (%s, 1, %s, %s, 'critical')",
            (batch, row_no, [rule]),
        )
    return tmp_path / "_ledger.csv"


def test_each_kind_has_its_own_numbers(db: psycopg.Connection, ledger: Path) -> None:
    rows = {row.kind: row for row in by_kind(db, ledger)}
    assert rows == {
        "check-digit": KindRow("check-digit", ("STU-01",), 1, 2, 2, 0, 3, 0),
        "sex-unknown": KindRow("sex-unknown", ("STU-02",), 1, 2, 0, 1, 1, 1),
        "not-a-table": KindRow("not-a-table", ("LND-013",), 1, 1, 1, 0, 1, 0),
        "too-few": KindRow("too-few", ("STU-90",), 1, 1, 0, 0, 0, 0),
        "wrong-name": KindRow("wrong-name", (), 1, 2, 1, 0, 0, 0),
    }
    assert (rows["sex-unknown"].recall, rows["sex-unknown"].precision) == (0.0, 0.0)
    assert (rows["check-digit"].recall, rows["check-digit"].precision) == (1.0, 1.0)
    assert (rows["too-few"].missed, rows["too-few"].precision) == (1, None)
    assert summary(rows.values()) == (
        "4 kinds that rules can find: 3 of 6 found, 2 kinds in full, 1 rules with false"
        " accusations; 1 kinds that no rule can find, 1 of 2 accused all the same."
    )
    assert "| sex-unknown | STU-02 | 1 | 2 | 0 | 2 | 0.0% | 1 | 0.0% |" in table(rows.values())
    assert "| wrong-name | none can | 1 | 2 | 1 | 1 | 50.0% | 0 |  |" in table(rows.values())


def test_it_is_printed_for_the_docs(db: psycopg.Connection, db_url: str, ledger: Path) -> None:
    db.commit()
    printed = subprocess.run(
        [sys.executable, "-m", "tests.e2e.ledger"],
        cwd=PROJECT,
        env=os.environ
        | {"EDUPLAN_DATABASE_URL": db_url, "EDUPLAN_SOURCE_ROOT": str(ledger.parent)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert printed.startswith("4 kinds that rules can find: 3 of 6 found")
    assert "| check-digit | STU-01 | 1 | 2 | 2 | 0 | 100.0% | 0 | 100.0% |" in printed


def test_the_comparison_of_everything_says_the_same(db: psycopg.Connection, ledger: Path) -> None:
    found = compare(db, ledger)
    assert [(a.rule, a.place.row) for a in found.missing] == [
        ("STU-90", 0),
        ("STU-02", 4),
        ("STU-02", 5),
    ]
    assert [(a.rule, a.place.file, a.place.row) for a in found.false_accusations] == [
        ("STU-02", "a.csv", 6),
        ("STU-03", "a.csv", 9),
        ("LND-014", "c.csv", 0),
    ]
