"""Great Expectations judges hand-made batches; every expected verdict is worked out by hand."""

import logging
from pathlib import Path

import psycopg
import pytest

from eduplan.audit import audit
from eduplan.errors import AuditError, EduplanError
from tests.integration import by_hand

PERIOD = "2025-2026"
COLUMNS = (
    by_hand.column("school_code", "学校标识码"),
    by_hand.column("name", "姓名", personal="direct"),
    by_hand.column("age", "年龄"),
)


def test_severities_of_row_rules(db: psycopg.Connection, db_url: str) -> None:
    contract = by_hand.contract(
        "pupils",
        COLUMNS,
        [
            by_hand.row_rule("T-001", "age ~ '^[0-9]+$'"),
            by_hand.row_rule("T-002", "name not like '%?%'", severity="warning"),
            by_hand.row_rule("T-003", "name = btrim(name)", severity="info"),
            by_hand.row_rule("T-004", "school_code is not null"),
        ],
    )
    batch = by_hand.land_rows(
        db,
        contract,
        PERIOD,
        [
            ("s1", "甲", "7"),  # row 2: fine
            ("s1", "乙?", "7"),  # row 3: warning
            ("s1", " 丙", "x"),  # row 4: critical and info
            ("s1", "丁 ", "8"),  # row 5: info
            ("s1", None, "9"),  # row 6: NULL is fine for 002 and 003
            (None, "戊?", "9"),  # row 7: critical and warning
        ],
    )
    result = audit(db_url, contract, batch)
    assert by_hand.verdicts(db, batch) == {
        3: (["T-002"], "warning"),
        4: (["T-001", "T-003"], "critical"),
        5: (["T-003"], "info"),
        7: (["T-002", "T-004"], "critical"),
    }
    assert by_hand.checks(db, batch) == {
        "T-001": ("failed", 1),
        "T-002": ("failed", 2),
        "T-003": ("failed", 2),
        "T-004": ("failed", 1),
    }
    assert (result.rows, result.critical_rows, result.warning_rows, result.info_rows) == (
        6, 2, 1, 1,
    )  # fmt: skip
    assert not result.held
    assert db.execute(
        "select status, warning_count, held_reason from ops.batch where batch_id = %s", (batch,)
    ).fetchone() == ("audited", 1, None)


def test_clean_batch_has_no_verdicts(db: psycopg.Connection, db_url: str) -> None:
    contract = by_hand.contract("pupils", COLUMNS, [by_hand.row_rule("T-001", "age ~ '^[0-9]+$'")])
    batch = by_hand.land_rows(db, contract, PERIOD, [("s1", "甲", "7")])
    audit(db_url, contract, batch)
    assert by_hand.verdicts(db, batch) == {}
    assert by_hand.checks(db, batch) == {"T-001": ("passed", 0)}


def test_uniqueness_accuses_every_twin_where_it_applies(
    db: psycopg.Connection, db_url: str
) -> None:
    contract = by_hand.contract(
        "pupils",
        COLUMNS,
        [
            by_hand.unique_rule("T-KEY", ["school_code", "name"]),
            by_hand.unique_rule("T-008", ["name"], where="age = '7'"),
        ],
    )
    batch = by_hand.land_rows(
        db,
        contract,
        PERIOD,
        [
            ("s1", "甲", "7"),  # 2: twin of 3 by key, twin of 3 and 4 by name among the sevens
            ("s1", "甲", "7"),  # 3
            ("s2", "甲", "7"),  # 4: another school
            ("s3", "甲", "8"),  # 5: not seven
            ("s1", "乙", "7"),  # 6: alone
            ("s1", None, "7"),  # 7: a missing name is nobody's twin
            ("s1", None, "7"),  # 8
        ],
    )
    audit(db_url, contract, batch)
    assert by_hand.verdicts(db, batch) == {
        2: (["T-KEY", "T-008"], "critical"),
        3: (["T-KEY", "T-008"], "critical"),
        4: (["T-008"], "critical"),
    }


def test_table_rule_holds_and_says_why(db: psycopg.Connection, db_url: str) -> None:
    contract = by_hand.contract(
        "pupils",
        COLUMNS,
        [
            by_hand.table_rule(
                "T-101",
                "select '行数', count(*)::text from {batch} having count(*) < 5",
            ),
            by_hand.table_rule("T-102", "select 'x', 'y' where false"),
            by_hand.table_rule("T-103", "select 'a', 'b'", severity="warning"),
        ],
    )
    batch = by_hand.land_rows(db, contract, PERIOD, [("s1", "甲", "7")])
    result = audit(db_url, contract, batch)
    assert by_hand.checks(db, batch) == {
        "T-101": ("failed", 1),
        "T-102": ("passed", 0),
        "T-103": ("failed", 1),
    }
    assert result.held
    assert result.hold_reasons == ("T-101 T-101不符（行数：1）",)


def test_too_many_bad_rows_hold(db: psycopg.Connection, db_url: str) -> None:
    contract = by_hand.contract(
        "pupils", COLUMNS, [by_hand.row_rule("T-001", "age <> 'x'")], max_reject_rate=0.4
    )
    good, bad = ("s1", "甲", "7"), ("s1", "甲", "x")
    at_limit = by_hand.land_rows(db, contract, PERIOD, [good, good, good, bad, bad])
    above = by_hand.land_rows(db, contract, PERIOD, [good, good, good, bad, bad], rejected=1,
                              content="other")  # fmt: skip
    assert not audit(db_url, contract, at_limit).held
    result = audit(db_url, contract, above)
    assert result.hold_reasons == ("严重错误 3 行，占全部 6 行的 50.00%，超过允许的 40.00%",)


def test_rule_on_an_absent_dataset_is_not_run(db: psycopg.Connection, db_url: str) -> None:
    contract = by_hand.contract(
        "pupils",
        COLUMNS,
        [
            by_hand.row_rule("T-006", "school_code in (select code from {published:register})"),
            by_hand.row_rule("T-001", "age <> 'x'"),
        ],
    )
    batch = by_hand.land_rows(db, contract, PERIOD, [("s1", "甲", "7")])
    result = audit(db_url, contract, batch)
    assert by_hand.checks(db, batch) == {"T-006": ("not_run", None), "T-001": ("passed", 0)}
    assert by_hand.verdicts(db, batch) == {}
    assert "register" in (result.checks[0].detail or "")


@pytest.mark.parametrize(
    "rule",
    [
        by_hand.row_rule("T-002", "age::int < 100"),  # fails on the data: 'Zhang'
        by_hand.row_rule("T-002", "agee < '9'"),  # fails on the column
        by_hand.row_rule("T-002", "age <"),  # fails on the syntax
        by_hand.unique_rule("T-002", ["age"], where="age::int < 100"),
        by_hand.table_rule("T-002", "select name, age::int::text from {batch}"),
    ],
    ids=["data", "column", "syntax", "uniqueness", "table"],
)
def test_an_erring_rule_is_an_error_and_never_bad_data(
    db: psycopg.Connection,
    db_url: str,
    rule: object,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    contract = by_hand.contract(
        "pupils",
        COLUMNS,
        [by_hand.row_rule("T-001", "name is not null"), rule],  # type: ignore[list-item]
    )
    batch = by_hand.land_rows(db, contract, PERIOD, [("s1", "甲", "Zhang"), ("s1", None, "7")])
    caplog.set_level(logging.DEBUG)
    with pytest.raises(AuditError) as caught:
        audit(db_url, contract, batch)
    assert "T-002" in str(caught.value) and "T-001" not in str(caught.value)
    assert by_hand.checks(db, batch) == {"T-001": ("not_run", None), "T-002": ("error", None)}
    assert by_hand.verdicts(db, batch) == {}
    assert db.execute("select status from ops.batch").fetchall() == [("landed",)]
    assert leftovers(db) == []
    details = str(db.execute("select detail from quality.check_result").fetchall())
    out = capfd.readouterr()
    for text in (str(caught.value), caught.value.hint, details, caplog.text, out.out, out.err):
        assert "Zhang" not in text


def leftovers(db: psycopg.Connection) -> list[str]:
    return [
        row[0]
        for row in db.execute(
            "select relname from pg_class where relnamespace = 'audit'::regnamespace"
        )
    ]


def test_personal_data_stays_in_the_batch(
    db: psycopg.Connection,
    db_url: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    contract = by_hand.contract(
        "pupils",
        COLUMNS,
        [
            by_hand.row_rule("T-001", "name not like '%?%'", columns=["name"]),
            by_hand.unique_rule("T-002", ["name"]),
            by_hand.table_rule("T-101", "select '行数', count(*)::text from {batch}"),
        ],
    )
    secret = "欧阳某某?"
    batch = by_hand.land_rows(db, contract, PERIOD, [("s1", secret, "7"), ("s2", secret, "7")])
    caplog.set_level(logging.DEBUG)
    result = audit(db_url, contract, batch, tmp_path / "docs")
    stored = db.execute("select c::text from quality.check_result c").fetchall()
    written = [p.read_bytes().decode() for p in (tmp_path / "docs").rglob("*") if p.is_file()]
    out = capfd.readouterr()
    assert any("T-001" in page for page in written)
    for text in (str(result), str(stored), *written, caplog.text, out.out, out.err):
        assert secret not in text
    assert out.err == ""  # no progress bar, no GX chatter
    assert "great_expectations" not in caplog.text


def test_auditing_again_replaces_verdicts_and_appends_results(
    db: psycopg.Connection, db_url: str
) -> None:
    rules = [by_hand.row_rule("T-001", "age <> 'x'")]
    contract = by_hand.contract("pupils", COLUMNS, rules)
    batch = by_hand.land_rows(db, contract, PERIOD, [("s1", "甲", "x")])
    first = audit(db_url, contract, batch)
    assert audit(db_url, contract, batch) == first
    assert by_hand.verdicts(db, batch) == {2: (["T-001"], "critical")}
    runs = db.execute(
        "select count(*), count(distinct run_id) from quality.check_result"
    ).fetchone()
    assert runs == (2, 2)
    assert leftovers(db) == []


def test_previous_period_is_read_without_its_critical_rows(
    db: psycopg.Connection, db_url: str
) -> None:
    contract = by_hand.contract(
        "pupils",
        COLUMNS,
        [
            by_hand.row_rule("T-001", "age <> 'x'"),
            by_hand.table_rule(
                "T-101",
                "select '上期', string_agg(name, ',' order by name) from {previous:pupils}"
                " having count(*) <> 0",
                severity="warning",
            ),
        ],
    )
    earlier = by_hand.land_rows(db, contract, "2024-2025", [("s1", "甲", "7"), ("s1", "乙", "x")])
    later = by_hand.land_rows(db, contract, PERIOD, [("s1", "丙", "7")])
    audit(db_url, contract, earlier)
    result = audit(db_url, contract, later)
    assert by_hand.checks(db, earlier)["T-101"] == ("not_run", None)
    assert result.checks[1].detail == "上期：甲"


def test_batch_without_rows(db: psycopg.Connection, db_url: str) -> None:
    contract = by_hand.contract(
        "pupils",
        COLUMNS,
        [
            by_hand.row_rule("T-001", "age <> 'x'"),
            by_hand.table_rule("T-101", "select '行数', '0' from {batch} having count(*) = 0"),
        ],
    )
    batch = by_hand.land_rows(db, contract, PERIOD, [])
    assert audit(db_url, contract, batch).held
    assert by_hand.checks(db, batch) == {"T-001": ("not_run", None), "T-101": ("failed", 1)}


def test_unknown_batch(db: psycopg.Connection, db_url: str) -> None:
    contract = by_hand.contract("pupils", COLUMNS, [])
    with pytest.raises(EduplanError, match="pupils has no batch 7"):
        audit(db_url, contract, 7)


def test_a_lost_server_is_no_fault_of_a_rule(db: psycopg.Connection, db_url: str) -> None:
    lose = "pg_terminate_backend(pg_backend_pid())"
    contract = by_hand.contract(
        "pupils", COLUMNS, [by_hand.unique_rule("T-001", ["age"], where=lose)]
    )
    batch = by_hand.land_rows(db, contract, PERIOD, [("s1", "甲", "7")])
    with pytest.raises(psycopg.OperationalError):
        audit(db_url, contract, batch)
    assert by_hand.checks(db, batch) == {}
