"""Landing against a real server: good deliveries, provenance, idempotence."""

from pathlib import Path

import psycopg
import pytest

from tests.landing_support import Desk, column, contract

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
    assert file == [("学籍/2025-2026/450421_学生.csv", "gb18030", "declared", 2, "landed", "csv")]


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


AMOUNT = (
    column("region_name", "地区", key=True),
    column("year", "年份", key=True, logical_type="integer"),
    column("amount_10k_yuan", "教育经费", required=False, logical_type="number"),
)
NBS = {
    "row_label": {"column": "region_name", "header": "^地区$"},
    "column_pattern": r"^(?P<year>\d{4})年$",
    "value": "amount_10k_yuan",
}


def test_national_funding_of_2023(tmp_path: Path, db: psycopg.Connection, realdata: Path) -> None:
    """Published figures: Guangxi 18,018,290; 31 provinces 588,759,771 (万元); 2024 not published."""
    file = realdata / "cn_nbs_education/原始数据/分省年度数据-教育经费（万元）.csv"
    desk = Desk(
        tmp_path,
        db,
        contract(
            AMOUNT, dataset="nbs_funding", layout="crosstab", options=NBS, period_kind="none",
            path="国家统计局/分省年度数据-教育经费（万元）.csv", period_range=("all", "all"),
        ),
    )  # fmt: skip
    (result,) = desk.land(paths=[file])
    assert (result.outcome, result.error, result.rows) == ("landed", None, 31 * 10)
    table = f"raw.nbs_funding__b{result.batch_id}"
    values = db.execute(
        f"select sum(amount_10k_yuan::numeric), count(*), count(amount_10k_yuan),"
        f" max(amount_10k_yuan) filter (where region_name = '广西壮族自治区')"
        f" from {table} where year = '2023'"
    ).fetchone()
    assert values == (588_759_771, 31, 31, "18018290")
    assert db.execute(
        f"select count(*), count(amount_10k_yuan) from {table} where year in ('2024', '2025')"
    ).fetchone() == (62, 0)
    assert db.execute(
        f"select _row from {table} where region_name = '北京市' and year = '2023'"
    ).fetchone() == (4,)
    assert db.execute(
        f"select count(*) from (select distinct _file, _row from {table}) t"
    ).fetchone() == (310,)
    assert db.execute(
        "select distinct encoding, encoding_reason from ops.batch_file"
    ).fetchall() == [("utf-8", "bom")]
