"""Landing against a real server: good deliveries, provenance, idempotence."""

from pathlib import Path

import psycopg
import pytest

from tests.landing_support import Desk, contract

HEAD = "学校标识码,姓名,身份证件号,备忘\n"


@pytest.fixture
def desk(tmp_path: Path, db: psycopg.Connection) -> Desk:
    return Desk(tmp_path, db, contract())


def test_gb18030_csv_lands_with_row_numbers(desk: Desk) -> None:
    result = desk.land_one(HEAD + "2145000001,王㛃,45049920150101123X,\n2145000001,李四,,x\n")
    assert (result.outcome, result.rows, result.error) == ("landed", 2, None)
    assert desk.rows(result.batch_id) == [
        (2, "2145000001", "王㛃", "45049920150101123X", None),
        (3, "2145000001", "李四", None, "x"),
    ]
    file = desk.db.execute(
        "select path, encoding, encoding_reason, row_count, status, format from ops.batch_file"
    ).fetchall()
    assert file == [
        ("学籍/2025-2026/450421_学生.csv", "gb18030", "declared", 2, "landed", "csv")
    ]


def test_columns_in_another_order_with_aliases_and_stars(desk: Desk) -> None:
    result = desk.land_one("★ 姓 名,身份证件号*,XXBSM\n王五,1,2145000001\n")
    assert desk.rows(result.batch_id) == [(2, "2145000001", "王五", "1", None)]


def test_same_bytes_twice_is_resumed_then_unchanged(desk: Desk) -> None:
    first = desk.land_one(HEAD + "1,a,b,c\n")
    (again,) = desk.land()
    assert (again.outcome, again.batch_id, again.rows) == ("resumed", first.batch_id, 1)
    desk.db.execute("update ops.batch set status = 'published'")
    (third,) = desk.land()
    assert (third.outcome, third.batch_id) == ("unchanged", first.batch_id)
    assert desk.db.execute("select count(*) from ops.batch").fetchone() == (1,)
