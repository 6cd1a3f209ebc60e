"""The SQL readers of exported text. Expected values by hand; identity numbers are the two test
vectors printed in GB 11643-1999 and numbers of area 450499, which does not exist."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import sql

FULL_WIDTH = str.maketrans({str(d): chr(0xFF10 + d) for d in range(10)} | {"X": "\uff38"})

CASES: dict[str, list[tuple[str | None, Any]]] = {
    "clean": [
        (" 男", "男"),
        ("男\u00a0\u3000", "男"),
        ("\ufeff男", "男"),
        ("\uff21\uff22\uff08\uff11\uff09", "AB(1)"),
        (" a b ", "a b"),
        ("\t\n", None),
        ("\u3000", None),
        ("", None),
        (None, None),
    ],
    "is_filled": [
        ("0", True),
        (" x", True),
        ("\u3000x", True),
        ("", False),
        (" \u3000\t", False),
        ("\u00a0", False),
        (None, False),
    ],
    "parse_number": [
        ("12", Decimal(12)),
        ("012", Decimal(12)),
        ("-3.5", Decimal("-3.5")),
        ("1,234,567.80", Decimal("1234567.80")),
        ("(1.2)", Decimal("-1.2")),
        ("\uff081,200\uff09", Decimal(-1200)),
        ("\u22127", Decimal(-7)),
        ("\uff11\uff12", Decimal(12)),
        (".5", Decimal("0.5")),
        ("1e3", Decimal(1000)),
        ("1,23", None),
        ("12人", None),
        ("1.2.3", None),
        ("-", None),
        ("\u2014", None),
        ("\uff0d", None),
        ("/", None),
        ("无", None),
        ("", None),
        (None, None),
    ],
    "is_number": [
        ("12", True),
        ("(1.2)", True),
        ("约12", False),
        ("1,23", False),
        ("-", None),
        ("\uff0d", None),
        ("无", None),
        (" ", None),
        (None, None),
    ],
    "is_integer": [
        ("12", True),
        ("12.0", True),
        ("1,200", True),
        ("12.5", False),
        ("x", False),
        ("-", None),
        (None, None),
    ],
    "parse_date": [
        ("20150901", date(2015, 9, 1)),
        ("2015/9/1", date(2015, 9, 1)),
        ("2015-09-01", date(2015, 9, 1)),
        ("2015\u20149\u20141", date(2015, 9, 1)),
        ("2015\u30029\u30021", date(2015, 9, 1)),
        ("2015.09.01", date(2015, 9, 1)),
        ("2015\u30019\u30011", date(2015, 9, 1)),
        ("2015年9月1日", date(2015, 9, 1)),
        ("2015-09-01 00:00:00", date(2015, 9, 1)),
        ("\uff12\uff10\uff11\uff15\uff10\uff19\uff10\uff11", date(2015, 9, 1)),
        (" 20150901 ", date(2015, 9, 1)),
        ("20240229", date(2024, 2, 29)),
        ("20230229", None),
        ("19000229", None),
        ("20000229", date(2000, 2, 29)),
        ("20150431", None),
        ("20151301", None),
        ("18991231", None),
        ("2015901", None),
        ("201509", None),
        ("", None),
        (None, None),
    ],
    "is_date": [("20150901", True), ("2015/13/1", False), ("-", None), ("", None), (None, None)],
    "parse_month": [
        ("201509", date(2015, 9, 1)),
        ("2015-09", date(2015, 9, 1)),
        ("2015-9", date(2015, 9, 1)),
        ("2015年9月", date(2015, 9, 1)),
        ("20150915", date(2015, 9, 1)),
        ("201513", None),
        ("2015", None),
        (None, None),
    ],
    "id_check_ok": [
        ("11010519491231002X", True),
        ("11010519491231002x", True),
        ("440524188001010014", True),
        ("440524188001010014".translate(FULL_WIDTH), True),
        ("11010519491231002X".translate(FULL_WIDTH), True),
        (" 440524188001010014 ", True),
        ("440524188001010015", False),
        ("440524188001010041", False),
        ("440524800101001", False),
        ("4405241880010100141", False),
        ("44052418800101001A", False),
        ("4.40524E+17", False),
        ("X" * 18, False),
        ("", None),
        (None, None),
    ],
    "id_birth": [
        ("11010519491231002X", date(1949, 12, 31)),
        ("450499201902300013", None),
        ("450499201903010014".translate(FULL_WIDTH), date(2019, 3, 1)),
        ("4504992019", None),
        (None, None),
    ],
    "id_sex": [
        ("11010519491231002X", "女"),
        ("440524188001010014", "男"),
        (" 440524188001010014", "男"),
        ("4405", None),
        (None, None),
    ],
    "is_scientific": [
        ("4.50499E+17", True),
        ("4.50499e17", True),
        ("4E+17", True),
        ("E12345678", False),
        ("450499201903010014", False),
        (None, None),
    ],
    "school_code_ok": [
        ("2145000001", True),
        ("5145000001", True),
        ("4145000001", False),
        ("2144000001", False),
        ("214500001", False),
        ("214500000A", False),
        (None, None),
    ],
    "division_code_ok": [("450403000000", True), ("450403", False), ("45040300000X", False)],
    "grade_no": [("小学一年级", 1), ("小学六年级", 6), ("初中三年级", 3), ("大班", None)],
    "degree_rank": [("高中以下", 1), ("博士研究生", 6), ("文盲", None)],
    "cell": [("-", Decimal(0)), ("7", Decimal(7)), (None, Decimal(0))],
    "deadline_rule": [
        ("2025年12月底前", "date"),
        (" 2026年6月底 ", "date"),
        ("２０２７年", "date"),
        ("2026年上半年", "date"),
        ("2026年3月15日前", "date"),
        ("20260315", "date"),
        ("长期坚持", "ongoing"),
        ("每年", "yearly"),
        ("每年9月底前", "yearly"),
        ("2025年12月前", None),
        ("2025年13月底前", None),
        ("按上级部署", None),
        ("", None),
        (None, None),
    ],
    "progress_pct": [
        ("80%", Decimal(80)),
        ("0.8", Decimal("0.8") * 100),
        ("62.5％", Decimal("62.5")),
        ("1", Decimal(100)),
        ("1.05", Decimal(105)),
        ("120%", Decimal(120)),
        ("35", Decimal(35)),
        ("0", Decimal(0)),
        ("已完成", Decimal(100)),
        ("未启动", Decimal(0)),
        ("基本完成", None),
        ("差不多", None),
        ("%", None),
        (None, None),
    ],
    "progress_state": [
        ("已完成", "done"),
        ("100%", "done"),
        ("基本完成", "in_progress"),
        ("进行中", "in_progress"),
        ("0.8", "in_progress"),
        ("未启动", "not_started"),
        ("0%", "not_started"),
        ("差不多", None),
        (None, None),
    ],
}


@pytest.fixture(scope="module")
def migrated(pg_server: str, pg_template: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(pg_server, autocommit=True) as admin:
        admin.execute(
            sql.SQL("create database edu_functions template {}").format(sql.Identifier(pg_template))
        )
    with psycopg.connect(pg_server.rsplit("/", 1)[0] + "/edu_functions") as conn:
        yield conn


@pytest.mark.parametrize("function", CASES)
def test_function(migrated: psycopg.Connection, function: str) -> None:
    query = sql.SQL("select {}(%s::text)").format(sql.Identifier("edu", function))
    for text, expected in CASES[function]:
        row = migrated.execute(query, (text,)).fetchone()
        assert row is not None and row[0] == expected, (function, text, row)


def test_same_result_on_a_column_as_on_a_literal(migrated: psycopg.Connection) -> None:
    """Inlining and constant folding must not change a result or raise."""
    for function, cases in CASES.items():
        query = sql.SQL("select v, {}(v) from unnest(%s::text[]) v").format(
            sql.Identifier("edu", function)
        )
        rows = migrated.execute(query, ([text for text, _ in cases],)).fetchall()
        assert [row[1] for row in rows] == [expected for _, expected in cases], function


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025年12月底前", date(2025, 12, 31)),
        ("2026年6月底前", date(2026, 6, 30)),
        ("2028年2月底前", date(2028, 2, 29)),
        ("2027年", date(2027, 12, 31)),
        ("2026年上半年", date(2026, 6, 30)),
        ("2026年3月15日前", date(2026, 3, 15)),
        ("每年", date(2026, 12, 31)),
        ("每年9月底前", date(2026, 9, 30)),
        ("长期坚持", None),
        ("2025年12月前", None),
        (None, None),
    ],
)
def test_last_day_of_a_deadline(
    migrated: psycopg.Connection, text: str | None, expected: date | None
) -> None:
    row = migrated.execute(
        "select edu.deadline_date(%(text)s::text, 2026), edu.deadline_date(v, 2026)"
        " from unnest(array[%(text)s::text]) v",
        {"text": text},
    ).fetchone()
    assert row == (expected, expected)


def test_every_function_may_run_in_parallel(migrated: psycopg.Connection) -> None:
    unsafe = migrated.execute(
        "select proname, provolatile, proparallel from pg_proc"
        " where pronamespace = 'edu'::regnamespace and (provolatile <> 'i' or proparallel <> 's')"
    ).fetchall()
    # These read a table (a key, the readers): the same within a statement, not for ever.
    assert sorted(unsafe) == [
        (name, "s", "s") for name in ("pseudonym", "sees_everything", "visible_counties")
    ]


def test_reference_lists(migrated: psycopg.Connection) -> None:
    def rows(query: str) -> list[Any]:
        return [row[0] for row in migrated.execute(query).fetchall()]

    assert len(rows("select 1 from ref_data.province")) == 31
    assert len(rows("select 1 from ref_data.county")) == 8
    assert rows("select county_code from ref_data.region_name where region_name = '市本级'") == [
        "450401"
    ]
    nine = "select stage from ref_data.school_type_stage where school_type_code = '312' order by 1"
    assert sorted(rows(nine)) == sorted(["小学", "初中"])
