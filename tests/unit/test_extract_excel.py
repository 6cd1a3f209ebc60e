"""Cells as text, labels under merged cells, cross-tables."""

import datetime as dt

import pytest

from eduplan.errors import LandingError
from eduplan.extract.excel import cell_text, read_workbook
from eduplan.extract.layout import compose, read_sheet
from eduplan.extract.shape import Shape
from tests.conftest import PROJECT
from tests.landing_support import column, contract


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2145000012.0, "2145000012"),
        (201501011234567.0, "201501011234567"),
        (450499201501011234.0, "4.50499201501011E+17"),
        (4.5e17, "4.5E+17"),
        (0.1, "0.1"),
        (-12.5, "-12.5"),
        (1e-7, "0.0000001"),
        (0.0, "0"),
        ("4.50403E+17", "4.50403E+17"),
        (" 男", " 男"),
        ("", None),
        (True, "TRUE"),
        (dt.date(2015, 1, 2), "2015-01-02"),
        (dt.datetime(2015, 1, 2), "2015-01-02"),
        (dt.datetime(2015, 1, 2, 8, 30), "2015-01-02 08:30:00"),
    ],
)
def test_cell_text(value: object, text: str | None) -> None:
    assert cell_text(value) == text


HEADER = [
    ["县(市、区)", "教育支出", None, None],
    [None, "合计", "其中", None],
    [None, None, "小学", "初中"],
]
LABELS = ["县(市、区)", "教育支出/合计", "教育支出/其中/小学", "教育支出/其中/初中"]


def test_three_header_rows_with_and_without_merges() -> None:
    merges = [((0, 0), (2, 0)), ((0, 1), (0, 3)), ((1, 1), (2, 1)), ((1, 2), (1, 3))]
    assert compose(HEADER, merges, 0, 3) == LABELS
    assert compose(HEADER, None, 0, 3) == LABELS


def test_crosstab_of_two_header_rows_becomes_long_rows() -> None:
    columns = (
        column("age", "年龄", key=True),
        column("region_name", "县", key=True),
        column("sex", "性别", key=True),
        column("population", "人口", required=False, logical_type="integer"),
    )
    options = {
        "header_rows": 2,
        "row_label": {"column": "age", "header": "^年龄$"},
        "column_pattern": "^(?P<region_name>.+)/(?P<sex>合计|男|女)$",
        "value": "population",
    }
    shape = Shape.of(contract(columns, layout="crosstab", options=options), "2025-2026")
    grid = [
        ["分县人口", None, None, None, None],
        ["年龄", "藤县", None, "苍梧县", None],
        [None, "男", "女", "男", "女"],
        ["0", "3", "2", None, "-"],
        ["1", "1", "1", "4", "5"],
        ["合计", "4", "9", "4", "5"],
        ["注：户籍人口", None, None, None, None],
    ]
    merges = [((1, 0), (2, 0)), ((1, 1), (1, 2)), ((1, 3), (1, 4))]
    sheets = read_sheet(grid, merges, shape, "人口.xlsx", "人口")
    assert [sheet.blob.decode() for sheet in sheets] == [
        "@\t4\t0\t藤县\t男\t3\n@\t5\t1\t藤县\t男\t1\n",
        "@\t4\t0\t藤县\t女\t2\n@\t5\t1\t藤县\t女\t1\n",
        "@\t4\t0\t苍梧县\t男\t\\N\n@\t5\t1\t苍梧县\t男\t4\n",
        "@\t4\t0\t苍梧县\t女\t-\n@\t5\t1\t苍梧县\t女\t5\n",
    ]
    assert [(m.row, m.column, str(m.summed)) for m in sheets[0].mismatches] == [(6, "藤县/女", "3")]


def test_values_that_look_like_copy_syntax() -> None:
    shape = Shape.of(contract([column("a", "甲列"), column("b", "乙列")]), "2025-2026")
    grid = [["甲列", "乙列"], ["x\ty\n@\t1", "\\N"]]
    (sheet,) = read_sheet(grid, None, shape, "f.xlsx", "s")
    assert sheet.blob == b"@\t2\tx\\ty\\n@\\t1\t\\\\N\n"


@pytest.mark.parametrize("note", ["单位:元", "单位：千元", "(单位：元)"])
def test_another_unit_above_the_header_is_refused(note: str) -> None:
    """Amounts ten thousand times too large must not wait for a year to compare them with."""
    options = {"unit": "万元", "unit_pattern": r"单位\s*:\s*(?P<unit>\S+)"}
    shape = Shape.of(
        contract([column("region_name", "县"), column("amount", "支出")], options=options),
        "2025-2026",
    )
    body: list[list[str | None]] = [["县", "支出"], ["万秀区", "1"]]
    assert read_sheet([["表", "单位：万元"], *body], None, shape, "a.xlsx", "S")[0].rows == 1
    assert read_sheet([["表"], *body], None, shape, "a.xlsx", "S")[0].rows == 1
    with pytest.raises(LandingError) as caught:
        read_sheet([["表", note], *body], None, shape, "a.xlsx", "S")
    assert caught.value.code == "LND-023"


@pytest.mark.parametrize(("fill", "owner"), [(True, "市教育局"), (False, None)])
def test_merged_owner_over_three_tasks(fill: bool, owner: str | None) -> None:
    """A merged owner stands in each row it covers; blank and total rows stay what they are."""
    columns = (
        column("task_no", "任务编号", key=True),
        column("owner", "牵头单位", required=False),
        column("places", "学位", required=False, logical_type="integer"),
    )
    path = PROJECT / "tests/fixtures/landing/merged_owner_over_three_tasks.xlsx"
    options = {"fill_merged": fill}
    shape = Shape.of(contract(columns, options=options, period_kind="none"), "all")
    (sheet,) = read_workbook(path, path.name, shape)
    rows = [line.split("\t") for line in sheet.blob.decode().splitlines()]
    told = owner or "\\N"
    assert rows == [
        ["@", "3", "T1", "市教育局", "10"],
        ["@", "4", "T2", told, "20"],
        ["@", "6", "T3", told, "30"],
        ["@", "8", "T4", "市财政局", "5"],
        ["@", "9", "T5", "\\N", "7"],
    ]
    assert sheet.mismatches == ()
