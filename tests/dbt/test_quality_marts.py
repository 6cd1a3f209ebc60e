"""Quality marts and pages on the mini city; whatever a test writes is rolled back."""

import datetime as dt
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg.types.json import Jsonb

from eduplan import transform
from eduplan.contract import Contract, load_contracts
from eduplan.quality import counties, pages, profile, registry
from eduplan.settings import Settings
from tests.dbt import mini_city
from tests.dbt.mini_city import CITY, N1, P2, Y25, A, B

PROJECT = Path(__file__).resolve().parents[2]
TODAY = dt.date(2026, 10, 8)


@pytest.fixture(scope="module")
def teachers() -> Contract:
    return load_contracts(PROJECT / "expectations")["teachers"]


@pytest.fixture
def desk(built: transform.BuildResult, warehouse_url: str) -> Iterator[psycopg.Connection]:
    """A connection to the built mini city whose changes nobody else sees."""
    with psycopg.connect(warehouse_url) as conn:
        yield conn
        conn.rollback()


def batch_of(conn: psycopg.Connection, dataset: str) -> int:
    """The published batch of 2025-2026."""
    row = conn.execute(
        "select batch_id from ops.batch where dataset = %s and period = %s"
        " and status = 'published'",
        (dataset, Y25),
    ).fetchone()
    assert row is not None
    return int(row[0])


def check(conn: psycopg.Connection, batch: int, rule: str, failed: int, **other: object) -> None:
    """Store what an audit run said of one rule."""
    values: dict[str, object] = {
        "run": uuid.UUID(int=1), "batch": batch, "rule": rule, "failed": failed, "level": "row",
        "dimension": "validity", "severity": "critical",
        "status": "failed" if failed else "passed",
    }  # fmt: skip
    conn.execute(
        "insert into quality.check_result (run_id, batch_id, dataset, period, rule_id, level,"
        " severity, dimension, status, checked_count, failed_count) select %(run)s, batch_id,"
        " dataset, period, %(rule)s, %(level)s, %(severity)s, %(dimension)s, %(status)s,"
        " row_count, %(failed)s from ops.batch where batch_id = %(batch)s",
        values | other,
    )


def test_a_contract_is_kept_once_a_version(desk: psycopg.Connection, teachers: Contract) -> None:
    def kept() -> list[tuple[object, ...]]:
        return [
            desk.execute(f"select count(*) from quality.{t} where dataset = 'teachers'").fetchone()
            or ()
            for t in ("contract", "contract_column", "contract_rule")
        ]

    assert kept() == [(1,), (len(teachers.columns),), (len(teachers.rules),)]  # by the build
    registry.record(desk, teachers)
    assert kept() == [(1,), (len(teachers.columns),), (len(teachers.rules),)]
    registry.record(desk, replace(teachers, sha256="f" * 64))
    assert kept() == [(2,), (2 * len(teachers.columns),), (2 * len(teachers.rules),)]


def test_changed_rules_are_told_and_reworded_ones_are_not(
    desk: psycopg.Connection, teachers: Contract
) -> None:
    """TEA-002 does something else, TEA-003 only says it better, TEA-004 became a warning."""
    desk.execute(
        "update ops.batch set contract_hash = %s, published_at = clock_timestamp()"
        " where batch_id = %s",
        (teachers.sha256, batch_of(desk, "teachers")),
    )
    changed = {
        "TEA-002": replace(teachers.rule("TEA-002"), predicate="true"),
        "TEA-003": replace(teachers.rule("TEA-003"), sentence_zh="换一种说法"),
        "TEA-004": replace(teachers.rule("TEA-004"), severity="warning"),
    }
    rules = [changed.get(rule.id, rule) for rule in teachers.rules if rule.id != "TEA-005"]
    rules.append(replace(teachers.rule("TEA-013"), id="TEA-998"))
    registry.record(desk, replace(teachers, sha256="e" * 64, rules=tuple(rules)))
    found = desk.execute(
        "select item, finding from marts.qa_rule_coverage where dataset = 'teachers'"
        " and finding in ('changed', 'new', 'removed') order by item"
    ).fetchall()
    assert found == [
        ("TEA-002", "changed"), ("TEA-004", "changed"), ("TEA-005", "removed"),
        ("TEA-998", "new"),
    ]  # fmt: skip


def test_pass_rate_by_county_counts_the_schools_of_the_county(
    desk: psycopg.Connection, teachers: Contract
) -> None:
    """Two rows of P2 (county A) and one of N1 (B) fail TEA-002; TEA-003 fails nowhere."""
    batch = batch_of(desk, "teachers")
    profile.observe(desk, teachers, batch)
    for school, count in ((P2, 2), (N1, 1)):
        desk.execute(
            "insert into quality.row_verdict select _batch_id, _file, _row,"
            " '{TEA-002}', 'critical' from raw.teachers"
            " where _batch_id = %s and school_code = %s order by _row limit %s",
            (batch, school, count),
        )
    # Counted before its bad rows leave its table: while the batch is audited.
    status = "update ops.batch set status = %s where batch_id = %s"
    desk.execute(status, ("audited", batch))
    counties.observe(desk, teachers, batch)
    desk.execute(status, ("published", batch))
    check(desk, batch, "TEA-002", 1, run=uuid.UUID(int=9))  # an earlier audit, overtaken
    check(desk, batch, "TEA-002", 3)
    check(desk, batch, "TEA-003", 0, dimension="uniqueness")
    check(desk, batch, "TEA-101", 1, level="table")
    rows = mini_city.sheets()["teachers", Y25]
    of_a = sum(1 for r in rows if r["school_code"] in mini_city_of(A))
    found = desk.execute(
        "select rule_id, region_code, gb_dimension, checked_count, failed_count, pass_pct"
        " from marts.qa_pass_rate where dataset = 'teachers' and region_code in (%s, %s, %s)",
        (CITY, A, B),
    ).fetchall()
    by_place = {tuple(row[:2]): row[2:] for row in found}
    assert set(by_place) == {(r, p) for r in ("TEA-002", "TEA-003") for p in (CITY, A, B)}
    dimension, checked, failed, share = by_place["TEA-002", A]
    assert (checked, failed) == (of_a, 2)
    assert float(share) == pytest.approx(100 * (1 - 2 / of_a), abs=1e-4)
    assert by_place["TEA-002", CITY][1:3] == (len(rows), 3)
    assert by_place["TEA-002", B][2] == 1
    assert by_place["TEA-003", A][2:] == (0, 100)
    results = desk.execute(
        "select rule_id, failed_count, batch_status from marts.qa_check_result"
        " where batch_id = %s order by rule_id",
        (batch,),
    ).fetchall()
    assert results == [
        ("TEA-002", 3, "published"), ("TEA-003", 0, "published"), ("TEA-101", 1, "published"),
    ]  # fmt: skip


def mini_city_of(county: str) -> set[str]:
    """Schools of a county in the mini register."""
    return {
        str(row["school_code"])
        for row in mini_city.register()
        if str(row["admin_code"]).startswith(county)
    }


def quarantine(conn: psycopg.Connection, batch: int, row: int, status: str, day: str) -> int:
    """Put a row into quarantine at a day, in China before breakfast."""
    found = conn.execute(
        "insert into quality.quarantined_row (batch_id, dataset, period, file_no, row_no, payload,"
        " rules, reasons, status, opened_at) select batch_id, dataset, period, 1, %s, %s,"
        " '{TEA-002}', '{x}', %s, (%s || ' 07:00+08')::timestamptz from ops.batch"
        " where batch_id = %s returning quarantine_id",
        (row, Jsonb({"school_code": P2, "name": "欧阳某某"}), status, day, batch),
    ).fetchone()
    assert found is not None
    return int(found[0])


def test_only_open_rows_could_move_an_indicator_and_the_burndown_balances(
    desk: psycopg.Connection,
) -> None:
    """Six rows on 1 October: one stays open, one is waived on the 2nd, taken up again on the 3rd
    and rejected on the 4th, one is fixed on the 2nd; two were released and closed at once."""
    batch = batch_of(desk, "teachers")
    ids = [
        quarantine(desk, batch, 900 + n, status, "2026-10-01")
        for n, status in enumerate(["open", "rejected", "fixed", "released", "released", "waived"])
    ]
    steps = [
        (ids[1], "waived", "open", "waived", "02"), (ids[1], "reopened", "waived", "open", "03"),
        (ids[1], "rejected", "open", "rejected", "04"), (ids[2], "edited", "open", "open", "01"),
        (ids[2], "fixed", "open", "fixed", "02"), (ids[5], "waived", "open", "waived", "04"),
    ]  # fmt: skip
    for row, action, before, after, day in steps:
        desk.execute(
            "insert into quality.quarantine_event (quarantine_id, action, from_status, to_status,"
            " actor, batch_id, happened_at) values (%s, %s, %s, %s, '王', %s, %s::timestamptz)",
            (row, action, before, after, batch, f"2026-10-{day} 07:00+08"),
        )
    exposed = desk.execute(
        "select sum(row_count) from staging.stg_quality__quarantined where batch_id = %s", (batch,)
    ).fetchone()
    assert exposed == (1,)
    burndown = desk.execute(
        "select day, opened_rows, reopened_rows, fixed_rows, released_rows, waived_rows,"
        " rejected_rows, open_rows from marts.qa_quarantine_burndown where dataset = 'teachers'"
        " order by day"
    ).fetchall()
    assert burndown == [
        (dt.date(2026, 10, 1), 6, 0, 0, 2, 0, 0, 4), (dt.date(2026, 10, 2), 0, 0, 1, 0, 1, 0, 2),
        (dt.date(2026, 10, 3), 0, 1, 0, 0, 0, 0, 3), (dt.date(2026, 10, 4), 0, 0, 0, 0, 1, 1, 1),
    ]  # fmt: skip


def test_page_before_the_first_build_says_so(db_url: str, tmp_path: Path) -> None:
    page = pages.write(Settings(home=tmp_path, database_url=db_url), TODAY)
    text = page.read_text(encoding="utf-8")
    assert page == tmp_path / "report" / "quality.html"
    assert "仓库还没有建立" in text and "2026-10-08" in text
    assert "还没有检查过" in (tmp_path / "data_docs" / "index.html").read_text(encoding="utf-8")


def test_page_shows_counts_and_alerts_and_nobody(db_url: str, tmp_path: Path) -> None:
    """A row of a person in quarantine, a warning, an alert whose title holds markup, Data Docs."""
    docs = tmp_path / "data_docs" / "teachers"
    docs.mkdir(parents=True)
    with psycopg.connect(db_url) as conn:
        ids = mini_city.publish(conn, {("teachers", Y25): mini_city.teachers()})
        batch = ids["teachers", Y25]
        (docs / f"b{batch}.html").write_text("x")
        (docs / "b999999.html").write_text("of a database that is gone")
        quarantine(conn, batch, 901, "open", "2026-10-01")
        for row, severity in ((901, "critical"), (5, "warning")):
            conn.execute(
                "insert into quality.row_verdict values (%s, 1, %s, '{TEA-002}', %s)",
                (batch, row, severity),
            )
        conn.execute(
            "insert into quality.alert (dedupe_key, kind, severity, title, runbook, opened_at,"
            " last_seen_at) values ('k', 'batch_held', 'critical', '<script>x</script>', 'r',"
            " now(), now())"
        )
        conn.commit()
    page = pages.write(Settings(home=tmp_path, database_url=db_url), TODAY)
    text = page.read_text(encoding="utf-8")
    assert "严重错误 1 行、警告 1 行；1 行还在隔离区" in text
    assert "严重告警 1 条" in text
    assert "&lt;script&gt;x" in text and "<script" not in text
    assert f'href="../data_docs/teachers/b{batch}.html"' in text
    assert "欧阳" not in text and "http" not in text
    index = (tmp_path / "data_docs" / "index.html").read_text(encoding="utf-8")
    assert f'href="teachers/b{batch}.html"' in index and "b999999" not in index


def test_page_of_a_built_warehouse_has_dimensions_and_late_reports(
    built: transform.BuildResult, dbt_settings: Settings
) -> None:
    page = pages.write(dbt_settings, TODAY)
    text = page.read_text(encoding="utf-8")
    for heading in ("检查通过率", "待处理行的变化", "迟报", "规则本身", "没有任何规则检查的列"):
        assert heading in text
