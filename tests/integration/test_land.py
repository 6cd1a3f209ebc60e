"""Landing against a real server: good deliveries, provenance, idempotence."""

import csv
import io
import json
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.landing_support import PUPILS, Desk, column, contract, forget_batches

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
    """Guangxi 18,018,290 万元; 31 provinces 588,759,771; 2024 is not published."""
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


def test_national_enrolment_three_files(
    tmp_path: Path, db: psycopg.Connection, realdata: Path
) -> None:
    columns = (
        column("indicator_name", "指标", key=True),
        column("year", "年份", key=True, logical_type="integer"),
        column("value", "数值", required=False, logical_type="number"),
    )
    options = NBS | {
        "row_label": {"column": "indicator_name", "header": "^指标$"}, "value": "value",
    }  # fmt: skip
    desk = Desk(
        tmp_path,
        db,
        contract(
            columns, dataset="nbe", layout="crosstab", options=options, period_kind="none",
            path="国家统计局/年度数据-各级各类学历教育*数（万人）.csv", period_range=("all", "all"),
        ),
    )  # fmt: skip
    folder = desk.root / "国家统计局"
    folder.mkdir(parents=True)
    for file in (realdata / "cn_nbs_education/原始数据").glob("年度数据*.csv"):
        (folder / file.name).write_bytes(file.read_bytes())
    (result,) = desk.land()
    assert (result.outcome, result.files, result.rejected_files) == ("landed", 3, 0)
    values = db.execute(
        f"select indicator_name, year, value from raw.nbe__b{result.batch_id} where indicator_name"
        " like '%博士在校学生数%' and year in ('2025', '2024') order by year"
    ).fetchall()
    assert values == [
        ("博士在校学生数 (万人)", "2024", "67.6262"), ("博士在校学生数 (万人)", "2025", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        "comma_in_quotes", "empty", "empty_crlf", "escaped_quotes", "json", "location_coordinates",
        "newlines", "newlines_crlf", "quotes_and_newlines", "simple", "simple_crlf", "utf8",
    ],
)  # fmt: skip
def test_csv_spectrum(name: str, tmp_path: Path, db: psycopg.Connection, realdata: Path) -> None:
    file = realdata / "fx_csv_spectrum" / f"{name}.csv"
    expected = json.loads(file.with_suffix(".json").read_text("utf-8"))
    expected = expected if isinstance(expected, list) else [expected]
    labels = list(expected[0])
    desk = Desk(
        tmp_path,
        db,
        contract(
            [column(f"c{i}", label) for i, label in enumerate(labels)], dataset="spectrum",
            path="x/*.csv", encoding=None, period_kind="none", period_range=("all", "all"),
        ),
    )  # fmt: skip
    (result,) = desk.land(paths=[file])
    assert (result.outcome, result.error) == ("landed", None)
    rows = desk.rows(result.batch_id, *(f"c{i}" for i in range(len(labels))))
    found = [dict(zip(labels, row, strict=True)) for row in rows]
    if name == "location_coordinates":
        # The published JSON has another phone number than its CSV.
        expected[0]["Contact Phone Number"] = "2095257564"
    if name == "newlines_crlf":
        # The stored copy of this file has LF line ends; its JSON speaks of CRLF.
        expected[1]["a"] = "Once upon \na time"
    assert found == expected


def test_crlf_inside_and_outside_quotes(desk: Desk) -> None:
    result = desk.land_one(HEAD.replace("\n", "\r\n") + '1,a,b,"x\ny"\r\n2,c,d,e\r\n')
    assert desk.rows(result.batch_id, "_row", "note") == [(2, "x\ny"), (4, "e")]


def test_batch_table_attaches_to_the_published_table(desk: Desk) -> None:
    result = desk.land_one(HEAD + "1,a,b,c\n")
    desk.db.execute(
        f"alter table raw.pupils attach partition raw.pupils__b{result.batch_id}"
        f" for values in ({result.batch_id})"
    )
    assert desk.db.execute("select _batch_id, _file, _row, name from raw.pupils").fetchall() == [
        (result.batch_id, 1, 2, "a")
    ]


def test_a_column_added_to_the_contract(desk: Desk) -> None:
    desk.land_one(HEAD + "1,a,b,c\n")
    desk.with_contract(columns=(*PUPILS, column("phone", "联系电话", required=False)))
    result = desk.land_one("学校标识码,姓名,身份证件号,联系电话\n1,a,b,139\n", period="2024-2025")
    assert desk.rows(result.batch_id, "note", "phone") == [(None, "139")]


CELL = st.text(
    st.characters(codec="gb18030", exclude_characters="\0\r\ufeff", exclude_categories=("Cs",)),
    max_size=12,
)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(st.tuples(CELL, CELL, CELL, CELL), min_size=1, max_size=8))
def test_landing_twice_is_landing_once_and_keeps_every_cell(
    rows: list[tuple[str, str, str, str]], tmp_path_factory: pytest.TempPathFactory, db_url: str
) -> None:
    """Whatever a CSV writer writes comes back cell by cell; the second landing adds nothing."""
    # Totals, notes and blank rows are not data; a leading 9 keeps these rows out of it.
    rows = [("9" + a, b, c, d) for a, b, c, d in rows]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([["学校标识码", "姓名", "身份证件号", "备忘"], *rows])
    with psycopg.connect(db_url) as conn:
        desk = Desk(tmp_path_factory.mktemp("land"), conn, contract(encoding="GB18030"))
        forget_batches(conn)
        first = desk.land_one(text.getvalue())
        (second,) = desk.land()
        assert first.outcome == "landed", first.error
        assert (second.outcome, second.batch_id) == ("resumed", first.batch_id)
        found = desk.rows(first.batch_id, "school_code", "name", "id_number", "note")
        assert [tuple(cell or "" for cell in row) for row in found] == rows
