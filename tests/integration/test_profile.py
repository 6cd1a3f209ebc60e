"""Figures of real batches, what is far from former years, file times, and silence; by hand."""

import datetime as dt
import os
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from eduplan.audit import audit
from eduplan.contract import Contract
from eduplan.publish import publish
from eduplan.quality import counties, volume, windows
from eduplan.quality.profile import observe
from eduplan.quality.silence import expected_silence
from tests.integration import by_hand
from tests.landing_support import Desk
from tests.landing_support import contract as file_contract

Y22, Y23, Y24, Y25 = "2022-2023", "2023-2024", "2024-2025", "2025-2026"
REGISTER = by_hand.contract(
    "school_register", [by_hand.column("school_code"), by_hand.column("admin_code")], []
)
PUPILS = by_hand.contract(
    "pupils",
    [
        by_hand.column("school_code"),
        replace(by_hand.column("status"), codes={"在读": "", "休学": ""}),
        replace(by_hand.column("age"), logical_type="integer"),
        by_hand.column("phone", personal="direct"),
    ],
    [],
)
Row = tuple[str | None, ...]


@pytest.fixture(autouse=True)
def _register(db: psycopg.Connection, db_url: str) -> None:
    """S1 and S2 are of county 450403, S3 of 450421; X9 is unknown."""
    rows = [("S1", "450403000000"), ("S2", "450403000000"), ("S3", "450421000000")]
    deliver(db, db_url, REGISTER, Y25, rows)


def deliver(
    db: psycopg.Connection,
    url: str,
    contract: Contract,
    period: str,
    rows: list[Row] | list[tuple[str, str]],
    *,
    look: bool = False,
) -> int:
    """Land, audit, (look at) and publish rows; return the batch."""
    batch = by_hand.land_rows(db, contract, period, rows)
    audit(url, contract, batch)
    if look:
        with db.transaction():
            observe(db, contract, batch)
    publish(db, contract, batch)
    db.commit()
    return batch


def figures(db: psycopg.Connection, batch: int, county: str = "") -> dict[tuple[str, str], float]:
    return {
        (metric, column): round(value, 4)
        for metric, column, value in db.execute(
            "select metric, column_name, value from quality.profile"
            " where batch_id = %s and county_code = %s",
            (batch, county),
        )
    }


def anomalies(db: psycopg.Connection, batch: int) -> dict[tuple[str, str, str], float]:
    return {
        (county, metric, column): round(score, 2)
        for county, metric, column, score in db.execute(
            "select county_code, metric, column_name, score from quality.anomaly"
            " where batch_id = %s",
            (batch,),
        )
    }


def test_the_figures_of_a_batch(db: psycopg.Connection, db_url: str) -> None:
    rows: list[Row] = [
        ("S1", "在读", "7", "1"),
        ("S1", "在读", "9", "2"),
        ("S2", "休学", "8", None),
        ("S3", "在读", " ", "1"),
        ("X9", "在读", "-", "3"),
    ]
    batch = deliver(db, db_url, PUPILS, Y25, rows, look=True)
    found = figures(db, batch)
    assert found == {
        ("row_count", ""): 5,
        ("filled_share", "school_code"): 1,
        ("filled_share", "status"): 1,
        ("filled_share", "age"): 0.8,  # a dash is filled in, a blank is not
        ("filled_share", "phone"): 0.8,
        ("total", "age"): 24,
        ("code_share:在读", "status"): 0.8,
        ("code_share:休学", "status"): 0.2,
        ("distinct_share", "school_code"): 0.8,
        ("distinct_share", "status"): 0.4,
        ("distinct_share", "age"): 1,
        ("distinct_share", "phone"): 0.6,
        ("p10", "age"): 7,
        ("median", "age"): 8,
        ("p90", "age"): 9,
    }
    county = figures(db, batch, "450403")
    assert county[("row_count", "")] == 3
    assert county[("code_share:休学", "status")] == 0.3333
    assert county[("filled_share", "phone")] == 0.6667
    places = db.execute(
        "select distinct county_code from quality.profile where batch_id = %s", (batch,)
    ).fetchall()
    assert sorted(places) == [("",), ("450403",), ("450421",)]
    receipts = db.execute(
        "select file_no, unit_code, row_count from quality.receipt where batch_id = %s order by 2",
        (batch,),
    ).fetchall()
    assert receipts == [(1, "S1", 2), (1, "S2", 1), (1, "S3", 1), (1, "X9", 1)]


def year(count: int, *, paused: int = 0, other: int = 60) -> list[Row]:
    """``count`` pupils of county 450403, some paused, and ``other`` of 450421."""
    return [
        *[("S1", "休学" if i < paused else "在读", str(6 + i % 6), f"1{i}") for i in range(count)],
        *[("S3", "在读", str(6 + i % 6), f"2{i}") for i in range(other)],
    ]


def test_far_from_three_former_years(db: psycopg.Connection, db_url: str) -> None:
    """450403: 100, 102, 98 pupils, median 100, spread 5 (the floor); then 70: six spreads."""
    for period, count in ((Y22, 100), (Y23, 102), (Y24, 98)):
        batch = deliver(db, db_url, PUPILS, period, year(count), look=True)
        assert anomalies(db, batch) == {}
    batch = deliver(db, db_url, PUPILS, Y25, year(70, paused=35), look=True)
    found = anomalies(db, batch)
    assert found[("450403", "row_count", "")] == -6
    # 160 before, 130 now, spread 8: within four spreads.
    assert ("", "row_count", "") not in found
    # Half are paused where nobody was.
    assert {
        ("450403", "code_share:休学", "status"),
        ("450403", "code_share:在读", "status"),
    } <= set(found)
    assert not [key for key in found if key[0] == "450421"]
    compared = db.execute(
        "select distinct compared_with from quality.anomaly where batch_id = %s", (batch,)
    ).fetchall()
    assert compared == [([Y22, Y23, Y24],)]
    # A second audit of the batch says the same once.
    observe(db, PUPILS, batch)
    assert anomalies(db, batch) == found


def test_one_former_year_allows_half_and_double(db: psycopg.Connection, db_url: str) -> None:
    deliver(db, db_url, PUPILS, Y24, year(100, other=60), look=True)
    batch = deliver(db, db_url, PUPILS, Y25, year(55, other=0), look=True)
    # 55 of 100 is allowed; a county that sends nothing is not: log2(1 / 61). All: log2(56 / 161).
    assert anomalies(db, batch) == {
        ("450421", "row_count", ""): -5.93,
        ("", "row_count", ""): -1.52,
        ("", "total", "age"): -1.54,
    }


def test_batches_of_before_are_caught_up_on(db: psycopg.Connection, db_url: str) -> None:
    """Published before figures were kept: they are taken with the next batch."""
    old = deliver(db, db_url, PUPILS, Y24, year(100))
    assert figures(db, old) == {}
    batch = deliver(db, db_url, PUPILS, Y25, year(20), look=True)
    assert figures(db, old)[("row_count", "")] == 160
    assert ("450403", "row_count", "") in anomalies(db, batch)


def test_a_published_batch_keeps_what_was_seen_of_it(db: psycopg.Connection, db_url: str) -> None:
    """A task that runs once more must not forget the school whose rows all went to quarantine."""
    rule = by_hand.row_rule("T-001", "school_code <> 'S2'", columns=["school_code"])
    strict = replace(PUPILS, rules=(rule,))
    rows: list[Row] = [("S1", "在读", "7", None), ("S2", "在读", "8", None)]
    batch = by_hand.land_rows(db, strict, Y25, rows)
    for _ in range(2):
        audit(db_url, strict, batch)
        with db.transaction():
            observe(db, strict, batch)
            counties.observe(db, strict, batch)
        publish(db, strict, batch)
        assert db.execute(
            "select unit_code from quality.receipt where batch_id = %s order by 1", (batch,)
        ).fetchall() == [("S1",), ("S2",)]
        assert figures(db, batch)[("row_count", "")] == 2
        assert db.execute(
            "select county_code, failed_count from quality.county_result where batch_id = %s",
            (batch,),
        ).fetchall() == [("450403", 1)]
        db.commit()


def test_deliveries_of_some_schools_are_not_compared(db: psycopg.Connection, db_url: str) -> None:
    by_school = replace(PUPILS, scope="school", scope_columns=("school_code",))
    for period, count in ((Y24, 100), (Y25, 10)):
        batch = deliver(db, db_url, by_school, period, year(count, other=0), look=True)
    assert figures(db, batch)[("row_count", "")] == 10
    assert anomalies(db, batch) == {}


def test_a_platform_that_brings_little_is_seen_with_its_batch(
    db: psycopg.Connection, db_url: str
) -> None:
    by_key = replace(PUPILS, scope="key", scope_columns=("phone",), period_kind="none")
    for day, count in (("2024-06-01", 1), ("2024-10-10", 100), ("2025-10-10", 20)):
        batch = by_hand.land_rows(db, by_key, "all", year(count, other=0), content=day)
        db.execute(
            "update ops.batch set landed_at = %s where batch_id = %s", (f"{day} 12:00+08", batch)
        )
    observe(db, by_key, batch)
    # log2(21 / 101)
    assert anomalies(db, batch) == {("", "rows_4_weeks", ""): -2.27}


def test_a_batch_without_any_value(db: psycopg.Connection, db_url: str) -> None:
    batch = deliver(db, db_url, PUPILS, Y25, [(None, None, None, None)], look=True)
    found = figures(db, batch)
    assert found[("row_count", "")] == 1
    assert ("median", "age") not in found


def test_files_keep_the_time_their_sender_saved_them(
    db: psycopg.Connection, tmp_path: Path
) -> None:
    desk = Desk(tmp_path, db, file_contract())
    path = desk.put("学校标识码,姓名,身份证件号,备忘\nS1,张三,450499201401050000,\n")
    saved = dt.datetime(2025, 9, 12, 9, 30, tzinfo=dt.UTC)
    os.utime(path, (saved.timestamp(), saved.timestamp()))
    refused = desk.put("", name="450422_学生.csv")
    os.utime(refused, (saved.timestamp() + 60, saved.timestamp() + 60))
    (result,) = desk.land()
    assert (result.outcome, result.rejected_files) == ("landed", 1)
    times = db.execute(
        "select path, modified_at from ops.batch_file where batch_id = %s order by path",
        (result.batch_id,),
    ).fetchall()
    assert [(Path(path).name, at) for path, at in times] == [
        ("450421_学生.csv", saved),
        ("450422_学生.csv", saved + dt.timedelta(minutes=1)),
    ]


# -- silence --------------------------------------------------------------------------------------


def due(db: psycopg.Connection, contract: Contract, deadline: str, window: str = "") -> None:
    sla = {"deadline": deadline} | ({"window": window} if window else {})
    other = replace(PUPILS, dataset="other", sla={"deadline": "09-20"}, period_range=(Y22, Y25))
    windows.record(db, {contract.dataset: replace(contract, sla=sla), "other": other})


def test_august_is_quiet_and_21_september_is_not(db: psycopg.Connection, db_url: str) -> None:
    contract = replace(PUPILS, period_range=(Y24, "2026-2027"))
    due(db, contract, "09-20", "09-01/09-30")

    def on(day: str) -> str | None:
        return expected_silence(db, "pupils", dt.date.fromisoformat(day))

    assert on("2024-08-15") == "本期已收到或尚无到期数据；下次报送窗口 2024年9月1日开放。"
    assert on("2024-09-20") == "正在报送期内，2024年9月20日截止。"
    assert on("2024-09-21") is None
    batch = deliver(db, db_url, contract, Y24, year(5), look=True)
    db.execute("update ops.batch set landed_at = '2024-09-25' where batch_id = %s", (batch,))
    assert on("2024-09-24") is None  # it had not come by then
    assert on("2024-09-26") == "本期已收到或尚无到期数据；下次报送窗口 2025年9月1日开放。"
    assert on("2025-08-15") is not None
    assert on("2025-09-21") is None
    assert expected_silence(db, "no_such_dataset", dt.date(2025, 9, 21)) == "没有约定报送截止日。"


def test_judging_again_is_no_news(db: psycopg.Connection, db_url: str) -> None:
    contract = replace(PUPILS, scope="key", scope_columns=("phone",), period_kind="none")
    due(db, contract, "05")
    batch = deliver(db, db_url, contract, "all", year(2))
    db.execute("update ops.batch set landed_at = '2025-10-02' where batch_id = %s", (batch,))
    again = by_hand.land_rows(db, contract, "all", year(1), content="again")
    db.execute(
        "update ops.batch set landed_at = '2025-11-03', replay_of = %s where batch_id = %s",
        (batch, again),
    )
    assert expected_silence(db, "pupils", dt.date(2025, 10, 6)) is not None
    assert expected_silence(db, "pupils", dt.date(2025, 11, 6)) is None


def test_a_holiday_after_the_deadline_is_quiet(db: psycopg.Connection) -> None:
    due(db, replace(PUPILS, period_range=(Y25, Y25)), "09-30", "09-01/09-30")
    db.execute("create schema if not exists ref")
    db.execute(
        "create table ref.school_calendar (kind text, name text, first_day date, last_day date)"
    )
    db.execute(
        "insert into ref.school_calendar values ('holiday', '国庆节、中秋节', '2025-10-01',"
        " '2025-10-08'), ('workday', '调休上班', '2025-10-09', '2025-10-09')"
    )
    assert expected_silence(db, "pupils", dt.date(2025, 10, 8)) == (
        "截止日(2025年9月30日)以来都是国庆节、中秋节。"
    )
    assert expected_silence(db, "pupils", dt.date(2025, 10, 9)) is None


def test_volume_is_compared_with_the_same_weeks_of_former_years(db: psycopg.Connection) -> None:
    """A platform that lives since 2022: 400, 410, 390 records each autumn, none each August."""
    daily = replace(PUPILS, dataset="events", scope="key", period_kind="none")
    due(db, daily, "05")

    def land(day: str, count: int) -> None:
        db.execute(
            "insert into ops.batch (dataset, period, status, content_hash, contract_version,"
            " contract_hash, scope, row_count, landed_at) values ('events', 'all', 'published',"
            " gen_random_uuid()::text, '1', '', 'key', %s, %s)",
            (count, f"{day} 12:00+08"),
        )

    land("2022-05-01", 1)
    for day, count in (("2022-10-10", 400), ("2023-10-12", 410), ("2024-10-09", 390)):
        land(day, count)
    land("2025-10-11", 120)
    found = volume.far(db, "events", dt.date(2025, 10, 20))
    assert found is not None
    # Median 400, spread 20: (120 - 400) / 20.
    far, compared = found
    assert (far.figure.value, far.expected, far.spread, far.score) == (120, 400, 20, -14)
    assert compared == ["2022-10-20", "2023-10-20", "2024-10-20"]
    land("2025-10-12", 230)  # 350 in all
    assert volume.far(db, "events", dt.date(2025, 10, 20)) is None
    land("2025-10-13", 9000)  # everything read again is no news
    db.execute(
        "insert into ops.pull (dataset, kind, status, is_full, spool, batch_id) select 'events',"
        " 'api', 'landed', true, '', max(batch_id) from ops.batch where dataset = 'events'"
    )
    assert volume.far(db, "events", dt.date(2025, 10, 20)) is None
    # Nothing came in any August, so that of 2026 is quiet; October is not.
    assert expected_silence(db, "events", dt.date(2026, 8, 25)) == "往年同期也没有数据。"
    assert volume.far(db, "events", dt.date(2026, 8, 25)) is None
    assert expected_silence(db, "events", dt.date(2026, 10, 20)) is None
