"""Alerts on a real database: what is wrong is told once, and taken back when it is over."""

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from eduplan.errors import EduplanError
from eduplan.quality.alerts import conditions, engine
from eduplan.quality.alerts.conditions import KINDS, Condition, collect
from tests.conftest import PROJECT
from tests.integration import by_hand

NOW = dt.datetime(2025, 11, 24, 9, 0, tzinfo=dt.UTC)
TODAY = NOW.date()
PLAN = "demo-2025-2027"
CONTRACT = replace(
    by_hand.contract(
        "pupils",
        [by_hand.column("school_code", "学校标识码"), by_hand.column("age", "年龄")],
        [by_hand.row_rule("T-001", "age <> 'x'"), by_hand.row_rule("T-002", "age <> 'y'")],
    ),
    title_zh="学生",
    owner="学籍科",
)
CONTRACTS = {"pupils": CONTRACT}


def after(days: float) -> dt.datetime:
    return NOW + dt.timedelta(days=days)


def rows(key: str = "pupils", magnitude: float = 10, severity: str = "warning") -> Condition:
    return Condition(
        "rows_quarantined", key, severity, "学生：10 行", "", "修", "学籍科", magnitude=magnitude
    )


def run(db: psycopg.Connection, *found: Condition, at: dt.datetime = NOW) -> list[str]:
    return [event.event for event in engine.update(db, found, at)]


def alerts(db: psycopg.Connection, columns: str = "status") -> list[Any]:
    found = db.execute(f"select {columns} from quality.alert order by alert_id").fetchall()
    return [row[0] if len(row) == 1 else row for row in found]


def test_what_holds_is_told_once_and_taken_back_once(db: psycopg.Connection) -> None:
    assert run(db, rows()) == ["opened"]
    assert run(db, rows()) == []
    assert run(db, rows(), at=after(30)) == []
    assert alerts(db, "status, opened_at, last_seen_at") == [("open", NOW, after(30))]
    assert run(db, at=after(31)) == ["recovered"]
    assert run(db, at=after(32)) == []
    assert alerts(db, "status, closed_by, closed_at") == [("recovered", "eduplan", after(31))]
    assert run(db, rows(), at=after(33)) == ["opened"]
    assert alerts(db) == ["recovered", "open"]
    assert db.execute("select event, happened_at from quality.alert_event").fetchall() == [
        ("opened", NOW), ("recovered", after(31)), ("opened", after(33)),
    ]  # fmt: skip


def test_counts_worsen_by_doubling_since_last_told(db: psycopg.Connection) -> None:
    assert KINDS["rows_quarantined"].least_growth == 10
    run(db, rows(magnitude=10))
    assert run(db, rows(magnitude=19)) == []
    assert run(db, rows(magnitude=20)) == ["worsened"]
    assert run(db, rows(magnitude=12)) == []  # better: shown, not told
    assert alerts(db, "magnitude") == [12]
    assert run(db, rows(magnitude=24)) == []  # told of 20 already
    assert run(db, rows(magnitude=40)) == ["worsened"]
    run(db, rows("small", magnitude=2), rows(magnitude=40))
    assert run(db, rows("small", magnitude=11), rows(magnitude=40)) == []  # only nine more
    assert run(db, rows("small", magnitude=12), rows(magnitude=40)) == ["worsened"]


def test_days_worsen_by_the_steps_of_their_kind(db: psycopg.Connection) -> None:
    assert KINDS["batch_held"].steps[:3] == (3, 7, 14)
    held = Condition("batch_held", "7", "critical", "学生：等待审核", "", "", "", magnitude=0)
    told = {
        day: run(db, replace(held, magnitude=day), at=after(day)) for day in (0, 1, 2, 3, 6, 7, 20)
    }
    assert {day: events for day, events in told.items() if events} == {
        0: ["opened"], 3: ["worsened"], 7: ["worsened"], 20: ["worsened"],
    }  # fmt: skip


def test_a_rise_in_severity_is_told_and_a_fall_and_return_is_not(db: psycopg.Connection) -> None:
    run(db, rows(severity="warning"))
    assert run(db, rows(severity="critical")) == ["worsened"]
    assert run(db, rows(severity="info")) == []
    assert alerts(db, "severity") == ["info"]
    assert run(db, rows(severity="critical")) == []


def only(db: psycopg.Connection) -> int:
    (alert_id,) = alerts(db, "alert_id")
    return int(alert_id)


def test_acknowledged_is_silent_until_it_worsens(db: psycopg.Connection) -> None:
    run(db, rows(magnitude=10))
    engine.acknowledge(db, [only(db)], "李老师", "在核对", after(1))
    assert alerts(db, "status, acknowledged_by") == [("acknowledged", "李老师")]
    assert run(db, rows(magnitude=19), at=after(2)) == []
    assert run(db, rows(magnitude=20), at=after(3)) == ["worsened"]
    assert alerts(db, "status, acknowledged_by") == [("open", None)]
    engine.acknowledge(db, [only(db)], "李老师", "", after(4))
    assert run(db, at=after(5)) == ["recovered"]


def test_snoozed_is_silent_until_its_time_unless_it_becomes_graver(db: psycopg.Connection) -> None:
    run(db, rows(magnitude=10))
    engine.snooze(db, [only(db)], after(7), "李老师", "等补报", NOW)
    assert run(db, rows(magnitude=400), at=after(6)) == []
    assert run(db, rows(magnitude=400), at=after(7)) == ["woken"]
    assert alerts(db, "status, snoozed_until") == [("open", None)]
    assert run(db, rows(magnitude=400), at=after(8)) == []  # waking told the 400
    engine.snooze(db, [only(db)], after(20), "李老师", "", after(8))
    assert run(db, rows(magnitude=400, severity="critical"), at=after(9)) == ["worsened"]
    engine.snooze(db, [only(db)], after(20), "李老师", "", after(10))
    assert run(db, at=after(11)) == ["recovered"]


def test_resolved_stays_closed_until_it_worsens_or_was_gone(db: psycopg.Connection) -> None:
    run(db, rows(magnitude=10))
    engine.resolve(db, [only(db)], "李老师", "口径如此", after(1))
    assert alerts(db, "status, closed_by") == [("resolved", "李老师")]
    assert run(db, rows(magnitude=10), at=after(2)) == []
    assert run(db, rows(magnitude=20), at=after(3)) == ["opened"]  # worsened
    assert alerts(db) == ["resolved", "open"]
    engine.resolve(db, [alerts(db, "alert_id")[1]], "李老师", "口径如此", after(4))
    assert run(db, at=after(5)) == []  # gone: nobody waits for the news
    assert run(db, rows(magnitude=10), at=after(6)) == ["opened"]


def test_decisions_that_cannot_be_change_nothing(db: psycopg.Connection) -> None:
    run(db, rows("a"), rows("b"))
    first, second = alerts(db, "alert_id")
    with pytest.raises(EduplanError, match="needs a reason"):
        engine.resolve(db, [first], "李", "  ", NOW)
    with pytest.raises(EduplanError, match="over already"):
        engine.snooze(db, [first], NOW, "李", "", NOW)
    with pytest.raises(EduplanError, match="no alert 999"):
        engine.acknowledge(db, [first, 999], "李", "", NOW)
    engine.resolve(db, [second], "李", "好了", NOW)
    for call in (
        lambda: engine.acknowledge(db, [first, second], "李", "", NOW),
        lambda: engine.snooze(db, [first, second], after(1), "李", "", NOW),
        lambda: engine.resolve(db, [first, second], "李", "再关", NOW),
    ):
        with pytest.raises(EduplanError, match=f"alert {second} is resolved"):
            call()
    assert alerts(db) == ["open", "resolved"]
    with pytest.raises(EduplanError, match="same key"):
        engine.update(db, [rows("a"), rows("a")], NOW)


def test_alerts_of_kinds_not_judged_are_left_alone(db: psycopg.Connection) -> None:
    run(db, rows())
    assert engine.update(db, [], after(1), kinds={"batch_held"}) == []
    assert alerts(db) == ["open"]


def test_history_cannot_be_rewritten(db: psycopg.Connection) -> None:
    run(db, rows())
    for statement in (
        "update quality.alert_event set actor = 'x'",
        "delete from quality.alert_event",
        "truncate quality.alert_event cascade",
    ):
        with pytest.raises(psycopg.errors.RestrictViolation), db.transaction():
            db.execute(statement)


# --- conditions ----------------------------------------------------------------------------------


def batch(db: psycopg.Connection, status: str, **values: Any) -> int:
    row = {
        "dataset": "pupils", "period": "2025-2026", "content_hash": str(values) + status,
        "contract_version": "1", "contract_hash": "0", "landed_at": NOW,
    } | values | {"status": status}  # fmt: skip
    names = ", ".join(row)
    marks = ", ".join(f"%({name})s" for name in row)
    found = db.execute(
        f"insert into ops.batch ({names}) values ({marks}) returning batch_id", row
    ).fetchone()
    assert found is not None
    return int(found[0])


def file(
    db: psycopg.Connection, of: int, path: str, status: str = "landed", code: str | None = None
) -> None:
    db.execute(
        "insert into ops.batch_file (batch_id, file_no, path, sha256, size_bytes, format, status,"
        " error_code, error) values (%s, (select count(*) + 1 from ops.batch_file where batch_id ="
        " %s), %s, '', 0, 'csv', %s, %s, '张三 450499201001011234')",
        (of, of, path, status, code),
    )


def by_kind(db: psycopg.Connection, kind: str, now: dt.datetime = NOW) -> list[Condition]:
    collected = collect(db, CONTRACTS, PLAN, TODAY, now)
    assert collected.failures == {}
    assert kind in collected.judged
    return [condition for condition in collected.conditions if condition.kind == kind]


def test_a_refused_delivery_until_a_later_one_lands(db: psycopg.Connection) -> None:
    refused = batch(db, "failed", error_code="LND-003", error="张三")
    file(db, refused, "学籍/a.csv", "rejected", "LND-003")
    (one,) = by_kind(db, "delivery_refused")
    assert (one.severity, one.magnitude, one.key) == ("critical", 1, "pupils:2025-2026")
    assert one.title == "学生 2025-2026：1 份交付被拒收（LND-003）"
    assert one.detail == "LND-003 学籍/a.csv"
    assert one.owner == "学籍科"
    assert "张三" not in repr(one)
    batch(db, "published")
    assert by_kind(db, "delivery_refused") == []


def test_a_refused_file_beside_accepted_ones_is_a_warning(db: psycopg.Connection) -> None:
    published = batch(db, "published")
    file(db, published, "教基/1.xlsx")
    file(db, published, "教基/2.xlsx", "rejected", "LND-005")
    (one,) = by_kind(db, "delivery_refused")
    assert (one.severity, one.magnitude) == ("warning", 1)
    batch(db, "failed", period="1999-2000", error_code="LND-020")
    assert {c.period: c.severity for c in by_kind(db, "delivery_refused")} == {
        "2025-2026": "warning", "1999-2000": "info",
    }  # fmt: skip


def test_a_replay_is_no_later_delivery(db: psycopg.Connection) -> None:
    first = batch(db, "superseded", content_hash="1")
    file(db, first, "教基/1.xlsx", "rejected", "LND-005")
    batch(db, "failed", error_code="LND-003")
    again = batch(db, "superseded", content_hash="2")
    file(db, again, "教基/1.xlsx")
    db.execute("update ops.batch set period = '2024-2025' where status = 'failed'")
    for period in ("2024-2025", "2025-2026"):
        replay = batch(db, "published", period=period, replay_of=first)
        file(db, replay, "教基/1.xlsx", "rejected", "LND-005")
    assert [(c.period, c.magnitude) for c in by_kind(db, "delivery_refused")] == [
        ("2024-2025", 2),  # the delivery, and the file that nobody sent again there
    ]  # fmt: skip


def test_a_held_batch_names_its_reasons_and_days(db: psycopg.Connection) -> None:
    held = batch(db, "held", held_reason="甲；乙", row_count=5)
    (one,) = by_kind(db, "batch_held", now=after(3.5))
    assert (one.severity, one.magnitude, one.key) == ("critical", 3, str(held))
    assert one.detail == "甲\n乙"
    assert f"eduplan review show {held}" in one.what_to_do
    db.execute("update ops.batch set status = 'rejected'")
    assert by_kind(db, "batch_held") == []


def test_a_kind_that_cannot_be_judged_is_reported_and_its_alerts_stay(
    db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch(db, "held", held_reason="甲")
    batch(db, "failed", error_code="LND-003")
    db.commit()
    assert [e.event for e in engine.refresh(db, CONTRACTS, PLAN, TODAY, NOW).events] == [
        "opened", "opened",
    ]  # fmt: skip
    real = conditions.statement
    monkeypatch.setattr(
        conditions,
        "statement",
        lambda name: b"select nowhere" if name == "kinds/batch_held" else real(name),
    )
    db.execute("update ops.batch set status = 'rejected'")
    done = engine.refresh(db, CONTRACTS, PLAN, TODAY, NOW)
    assert [(e.event, e.kind) for e in done.events] == [("recovered", "delivery_refused")]
    assert list(done.unjudged) == ["batch_held"]
    assert alerts(db, "kind, status") == [
        ("delivery_refused", "recovered"), ("batch_held", "open"),
    ]  # fmt: skip


def test_rows_in_quarantine_count_while_they_are_open_and_published(db: psycopg.Connection) -> None:
    published, held = batch(db, "published", row_count=10_000), batch(db, "held", row_count=9)
    db.execute(
        "insert into quality.quarantined_row (batch_id, dataset, period, file_no, row_no, payload,"
        " rules, reasons, status) select %s, 'pupils', '2025-2026', 1, n, '{\"name\": \"张三\"}',"
        " case when n <= 12 then array['T-001'] else array['T-002', 'T-001'] end, '{}',"
        " case when n <= 19 then 'open' else 'waived' end from generate_series(1, 25) n",
        (published,),
    )
    db.execute(
        "insert into quality.quarantined_row (batch_id, dataset, period, file_no, row_no, payload,"
        " rules, reasons) values (%s, 'pupils', '2025-2026', 1, 1, '{}', '{T-001}', '{}')",
        (held,),
    )
    (one,) = by_kind(db, "rows_quarantined")
    assert (one.magnitude, one.severity, one.title) == (19, "info", "学生：19 行在隔离区")
    assert one.detail == "T-001 T-001不符：19\nT-002 T-002不符：7"
    assert "张三" not in repr(one)
    db.execute("update quality.quarantined_row set status = 'open' where row_no = 20")
    assert by_kind(db, "rows_quarantined")[0].severity == "warning"  # twenty
    db.execute("update quality.quarantined_row set status = 'open' where row_no <> 20")
    db.execute("update quality.quarantined_row set status = 'fixed'")
    assert by_kind(db, "rows_quarantined") == []


def check(db: psycopg.Connection, of: int, rule: str, severity: str, status: str, run: int) -> None:
    db.execute(
        "insert into quality.check_result (run_id, batch_id, dataset, period, rule_id, level,"
        " severity, dimension, status, failed_count) values"
        " (('00000000-0000-0000-0000-00000000000' || %s)::uuid, %s, 'pupils', '2025-2026', %s,"
        " 'row', %s, 'accuracy', %s, 4)",
        (run, of, rule, severity, status),
    )


def test_published_warnings_and_broken_rules_of_the_last_audit(db: psycopg.Connection) -> None:
    published = batch(db, "published", row_count=100)
    check(db, published, "T-001", "warning", "failed", 1)
    check(db, published, "T-001", "warning", "passed", 2)
    check(db, published, "T-002", "warning", "failed", 2)
    check(db, published, "T-003", "critical", "failed", 2)
    check(db, published, "T-004", "critical", "not_run", 2)
    (one,) = by_kind(db, "check_failed")
    assert (one.magnitude, one.detail) == (4, "T-002 T-002不符：4")
    (one,) = by_kind(db, "rule_error")
    assert (one.magnitude, one.severity, one.detail) == (1, "info", "T-004 未执行")
    check(db, published, "T-005", "critical", "error", 2)
    (one,) = by_kind(db, "rule_error")
    assert (one.magnitude, one.severity) == (2, "critical")


def test_what_stopped_half_way_is_told_after_two_hours(db: psycopg.Connection) -> None:
    stuck = batch(db, "landed", landed_at=NOW)
    assert by_kind(db, "run_unfinished", now=after(1.9 / 24)) == []
    (one,) = by_kind(db, "run_unfinished", now=after(5 / 24))
    assert (one.magnitude, one.detail) == (5, f"第 {stuck} 批停在 landed")
    batch(db, "published", landed_at=NOW)  # took its place: nobody goes on with it
    assert by_kind(db, "run_unfinished", now=after(5 / 24)) == []


def build(db: psycopg.Connection, status: str, started: dt.datetime, fingerprint: str = "a") -> int:
    found = db.execute(
        "insert into ops.build (invocation_id, fingerprint, status, started_at, finished_at,"
        " node_count, error) values ('', %s, %s, %s, %s, 1, '张三') returning build_id",
        (fingerprint, status, started, started),
    ).fetchone()
    assert found is not None
    return int(found[0])


def test_published_but_not_built(db: psycopg.Connection) -> None:
    batch(db, "published", published_at=NOW)
    assert by_kind(db, "warehouse_stale", now=after(1 / 24)) == []
    (one,) = by_kind(db, "warehouse_stale", now=after(3 / 24))
    assert (one.key, one.magnitude, one.title) == ("build", 3, "已发布而未入库，已 3 小时")
    build(db, "success", after(1 / 24), "a:marts")  # a part
    assert len(by_kind(db, "warehouse_stale", now=after(3 / 24))) == 1
    build(db, "success", after(1 / 24))
    assert by_kind(db, "warehouse_stale", now=after(3 / 24)) == []


def test_a_failed_build_until_the_next_good_one(db: psycopg.Connection) -> None:
    failed = build(db, "failed", NOW)
    db.execute(
        "insert into ops.build_node (build_id, node_id, resource_type, status, message)"
        " values (%s, 'model.eduplan.ind_value', 'model', 'error', '张三'),"
        " (%s, 'model.eduplan.dim_school', 'model', 'success', '')",
        (failed, failed),
    )
    (one,) = by_kind(db, "build_failed", now=after(1))
    assert (one.severity, one.magnitude, one.detail) == ("critical", 24, "model ind_value")
    assert "张三" not in repr(one)
    build(db, "success", after(2))
    assert by_kind(db, "build_failed") == []


def test_drift_and_figures_of_living_batches(db: psycopg.Connection) -> None:
    living = batch(db, "published", contract_hash=CONTRACT.sha256)
    gone = batch(db, "superseded", contract_hash=CONTRACT.sha256)
    for of, kind, column in (
        (living, "new_column", "血型"), (living, "encoding", ""), (gone, "missing_column", "年龄"),
    ):  # fmt: skip
        db.execute(
            "insert into ops.drift_event (batch_id, file_no, dataset, kind, column_name)"
            " values (%s, 1, 'pupils', %s, %s)",
            (of, kind, column),
        )
        db.execute(
            "insert into quality.anomaly (batch_id, dataset, period, metric, column_name, value,"
            " expected, score, compared_with) values (%s, 'pupils', '2025-2026', 'row_count', %s,"
            " 5, 100, -9, '{2024-2025}')",
            (of, kind),
        )
    (one,) = by_kind(db, "schema_drift")
    assert (one.severity, one.magnitude, one.detail) == ("info", 1, "new_column 血型")
    (one,) = by_kind(db, "volume_anomaly")
    assert one.magnitude == 2
    assert one.detail.splitlines()[0] == "row_count encoding：5.000，往年 100.000"
    changed = {"pupils": replace(CONTRACT, sha256="1" * 64)}  # the contract was edited: accepted
    collected = collect(db, changed, PLAN, TODAY, NOW)
    assert "schema_drift" not in {c.kind for c in collected.conditions}


def test_figures_of_what_is_judged_again_count_once(db: psycopg.Connection) -> None:
    """The alert must not grow by a replay or a day, and must end with what was wrong."""
    first = batch(db, "published")
    for of in (first, batch(db, "audited", replay_of=first)):
        # Looked at a moment after it was audited: until then the one before speaks.
        db.execute(
            "insert into quality.anomaly (batch_id, dataset, period, metric, value, expected,"
            " score, compared_with) values (%s, 'pupils', '2025-2026', 'row_count', 5, 100, -9,"
            " '{2024-2025}')",
            (of,),
        )
        assert [c.magnitude for c in by_kind(db, "volume_anomaly")] == [1]
    usual = batch(db, "published", scope="key")
    db.execute(
        "insert into quality.profile values (%s, 'pupils', '2025-2026', '', 'row_count', '', 90)",
        (usual,),
    )
    assert by_kind(db, "volume_anomaly") == []


def test_a_signal_is_an_alert_as_long_as_it_stands(db: psycopg.Connection) -> None:
    db.execute(
        "insert into quality.alert_signal (dedupe_key, kind, severity, title) values"
        " ('dead_channel:wecom', 'dead_channel', 'critical', '告警渠道 wecom 发不出消息'),"
        " ('dag_failed:build_warehouse', 'dag_failed', 'critical', 'build_warehouse 运行失败')"
    )
    (one,) = by_kind(db, "dead_channel")
    assert (one.dedupe_key, one.title) == ("dead_channel:wecom", "告警渠道 wecom 发不出消息")
    assert [c.key for c in by_kind(db, "dag_failed")] == ["build_warehouse"]


def test_kinds_of_marts_are_silent_before_the_first_build(db: psycopg.Connection) -> None:
    collected = collect(db, CONTRACTS, PLAN, TODAY, NOW)
    assert set(KINDS) - collected.judged == {
        "delivery_late", "reconciliation_breach", "indicator_off_track",
    }  # fmt: skip


def test_every_kind_has_a_page_in_the_runbook() -> None:
    folder = PROJECT / conditions.RUNBOOK
    assert {page.stem for page in folder.glob("*.md")} - {"README"} == set(KINDS)
    for kind in KINDS:
        page = (folder / f"{kind}.md").read_text(encoding="utf-8")
        for heading in ("## What it means", "## How to check", "## What to do", "## Who"):
            assert heading in page, f"{kind}: {heading}"


def test_the_contract_of_the_tables_is_what_the_database_has(db: psycopg.Connection) -> None:
    from open_data_contract_standard.model import OpenDataContractStandard

    path = PROJECT / "docs" / "contracts" / "alerts.odcs.yaml"
    contract = OpenDataContractStandard.from_file(str(path))
    named = {"timestamp with time zone": "timestamptz", "ARRAY": "text[]"}
    for table in contract.schema_ or []:
        columns = db.execute(
            "select column_name, data_type, is_nullable from information_schema.columns"
            " where table_schema = 'quality' and table_name = %s order by ordinal_position",
            (table.name,),
        ).fetchall()
        assert [(p.name, p.physicalType, p.required) for p in table.properties or []] == [
            (name, named.get(type_, type_), nullable == "NO") for name, type_, nullable in columns
        ]
        assert all(p.description for p in table.properties or [])
    assert [table.name for table in contract.schema_ or []] == ["alert", "alert_event"]


DUTY = "insert into quality.reporting_duty values (%s, 'x', 'x', 'x', 'x', %s, %s, 'period')"


def mart(db: psycopg.Connection, table: str, *rows: dict[str, Any]) -> None:
    """Make a table of the warehouse that holds ``rows``."""
    schema, _ = table.split(".")
    db.execute(f"create schema if not exists {schema}")
    types = {int: "integer", float: "numeric", dt.date: "date", bool: "boolean"}
    columns = {n: types.get(type(v), "text") for n, v in rows[0].items()}
    db.execute(f"create table {table} ({', '.join(f'{n} {t}' for n, t in columns.items())})")
    marks = ", ".join(f"%({name})s" for name in columns)
    db.cursor().executemany(f"insert into {table} values ({marks})", rows)


def test_late_units_by_dataset_and_period(db: psycopg.Connection) -> None:
    unit = {
        "dataset": "pupils", "period": "2025-2026", "owner": "学籍科", "unit_name": "一中",
        "unit_code": "1", "status": "missing", "days_late": 12, "due_on": dt.date(2025, 9, 20),
    }  # fmt: skip
    mart(
        db, "marts.qa_late_register", unit,
        unit | {"unit_name": "二中", "unit_code": "2", "days_late": 30},
        unit | {"unit_name": "三中", "unit_code": "3", "status": "late"},
        unit | {"dataset": "platform", "days_late": 99},
    )  # fmt: skip
    db.cursor().executemany(
        DUTY,
        [("pupils", "file", "school_year"), ("platform", "api", "none")],
    )
    (one,) = by_kind(db, "delivery_late")
    assert one.title == "学生 2025-2026：2 个单位逾期未报，最长 30 天（2025-09-20 截止）"
    assert (one.severity, one.magnitude) == ("warning", 2)
    assert one.detail == "二中 迟 30 天\n一中 迟 12 天"
    db.execute("update marts.qa_late_register set days_late = 31 where unit_code = '2'")
    assert by_kind(db, "delivery_late")[0].severity == "critical"


def test_differences_of_the_newest_period(db: psycopg.Connection) -> None:
    pair = {
        "code": "ROLL", "name_zh": "学籍与教基", "period": "2025-2026", "period_year": 2025,
        "severity": "error", "status": "breach", "unit_code": "1", "unit_name": "一中",
        "difference": -7.0, "action_zh": "请核对",
    }  # fmt: skip
    mart(
        db, "marts.qa_reconciliation", pair,
        pair | {"unit_code": "2", "unit_name": "二中", "status": "one_side_missing"}
        | {"difference": None},
        pair | {"unit_code": "3", "status": "ok"},
        pair | {"unit_code": "4", "period": "2024-2025", "period_year": 2024},
    )  # fmt: skip
    mart(db, "ref.reconciliation", {
        "code": "ROLL", "left_terms": "roll@primary", "right_terms": "2*pupils@primary + x@all",
    })  # fmt: skip
    mart(db, "intermediate.int_indicator__inputs", {"dataset": "pupils", "indicator_code": "B-2"})
    mart(
        db, "intermediate.int_indicator__terms",
        {"indicator_code": "A-1", "measure_code": "pupils"},
        {"indicator_code": "A-2", "measure_code": "other"},
    )  # fmt: skip
    (one,) = by_kind(db, "reconciliation_breach")
    assert (one.key, one.severity, one.magnitude) == ("ROLL", "critical", 2)
    assert one.title == "学籍与教基 2025-2026：2 处两个来源对不上"
    assert one.detail == "一中 相差 -7.0\n二中 缺一方数据"
    assert one.indicators == ("A-1",)
    batch(db, "held", held_reason="甲")
    assert by_kind(db, "batch_held")[0].indicators == ("B-2",)


def test_headlines_off_their_line_in_the_newest_year(db: psycopg.Connection) -> None:
    line = {
        "indicator_code": "A-1", "indicator_name_zh": "入学率", "period": "2025", "unit": "%",
        "plan_version": PLAN, "region_level": "city", "region_code": "450400",
        "period_year": 2025, "value": 90.0, "status": "off_track", "distance": -4.0,
        "distance_pct": -4.5, "trajectory_value": 94.0, "is_demonstration": False,
    }  # fmt: skip
    mart(
        db, "marts.ind_progress", line,
        line | {"region_level": "county", "region_code": "450421"},
        line | {"indicator_code": "A-2", "status": "on_track"},
        line | {"indicator_code": "A-2", "period_year": 2024},
        line | {"indicator_code": "A-3", "plan_version": "other"},
        line | {"indicator_code": "A-1#1"},
        line | {"period_year": 2026, "value": None, "status": "no_data"},
    )  # fmt: skip
    mart(
        db, "ref.indicator", {"indicator_code": "A-1", "parent_code": None},
        {"indicator_code": "A-1#1", "parent_code": "A-1"},
    )  # fmt: skip
    (one,) = by_kind(db, "indicator_off_track")
    assert (one.key, one.region, one.magnitude, one.indicators) == ("A-1", "450400", 4.5, ("A-1",))
    assert one.title == "A-1 入学率 2025：偏离目标轨迹"
    assert one.detail == "现值 90.00 %，本期应达 94.00 %"
    db.execute("update marts.ind_progress set is_demonstration = true, unit = 'ratio'")
    (one,) = by_kind(db, "indicator_off_track")
    assert one.detail == "现值 90.00，本期应达 94.00（演示目标，虚构）"


def test_a_platform_that_should_have_spoken(db: psycopg.Connection) -> None:
    api = replace(CONTRACT, dataset="platform", source=replace(CONTRACT.source, kind="api"))
    db.execute(DUTY, ("platform", "api", "none"))
    db.execute(
        "insert into quality.submission_window values ('platform', '2025-10', %s, %s, 'contract')",
        (TODAY - dt.timedelta(30), TODAY - dt.timedelta(3)),
    )
    collected = collect(db, {"platform": api, "pupils": CONTRACT}, PLAN, TODAY, NOW)
    assert collected.failures == {}
    (one,) = [c for c in collected.conditions if c.kind == "warehouse_stale"]
    assert (one.key, one.severity, one.title) == (
        "source:test", "warning", "学生到期仍没有新数据",
    )  # fmt: skip
    assert collect(db, {"platform": api}, PLAN, TODAY - dt.timedelta(5), NOW).conditions == ()


def test_the_commands(
    db: psycopg.Connection, db_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from typer.testing import CliRunner

    from eduplan.commands.alerts import app

    monkeypatch.setenv("EDUPLAN_DATABASE_URL", db_url)
    monkeypatch.setenv("EDUPLAN_HOME", str(tmp_path))
    monkeypatch.setenv("EDUPLAN_TODAY", "2025-08-15")

    def call(*words: str) -> Any:
        done = CliRunner().invoke(app, [*words], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    batch(db, "held", dataset="students", held_reason="STU-101")
    db.commit()
    assert "batch_held" in call("update")
    assert "batch_held" not in call("update")
    (row,) = json.loads(call("list", "--kind", "batch_held", "--format", "json"))
    assert (row["severity"], row["status"], row["dataset"]) == ("critical", "open", "students")
    one = str(row["id"])
    call("ack", one, "--by", "李老师", "--why", "在核对")
    call("snooze", one, "--days", "2", "--by", "李老师")
    call("resolve", one, "--by", "王老师", "--why", "退回")
    shown = json.loads(call("show", one, "--format", "json"))
    assert shown["detail"] == "STU-101"
    assert [(e["event"], e["actor"], e["note"]) for e in shown["history"]] == [
        ("opened", "eduplan", ""), ("acknowledged", "李老师", "在核对"),
        ("snoozed", "李老师", ""), ("resolved", "王老师", "退回"),
    ]  # fmt: skip
    assert json.loads(call("list", "--kind", "batch_held", "--format", "json")) == []
    assert len(json.loads(call("list", "--status", "resolved", "--format", "json"))) == 1
