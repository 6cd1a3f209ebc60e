"""Statistics before 2020 (基础基) land in today's columns, whatever the number of their form."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import xlsxwriter

from demo.city import forms, make_city, world
from eduplan.contract import load_contracts
from eduplan.errors import LandingError
from eduplan.extract.excel import read_workbook
from eduplan.extract.shape import Shape
from tests.conftest import PROJECT

CONTRACTS = load_contracts(PROJECT / "expectations")
PERIOD = "2017-2018"
PRIMARY = (
    ("毕业生数", ""), ("招生数", ""), ("在校学生数", "合计"), ("", "其中：女"), ("", "一年级"),
    ("", "二年级"), ("", "三年级"), ("", "四年级"), ("", "五年级"), ("", "六年级"),
    ("预计毕业生", ""),
)  # fmt: skip
JUNIOR = (*PRIMARY[:7], PRIMARY[-1])
Rows = Sequence[tuple[str, Sequence[object]]]


def write(path: Path, sheets: dict[str, tuple[Sequence[tuple[str, str]], Rows]]) -> Path:
    """Write a workbook as the older system laid it out: title, corner, two header rows, 甲 乙."""
    with xlsxwriter.Workbook(path) as book:
        for name, (head, rows) in sheets.items():
            sheet = book.add_worksheet(name)
            width = len(head) + 1
            sheet.merge_range(0, 0, 0, width, name)
            sheet.write(
                1, 0, "填报单位代码：450422 填报单位名称：藤县 2017-2018学年初 计量单位：人"
            )
            for column, label in enumerate(("指标名称", "代码")):
                sheet.merge_range(2, column, 3, column, label)
            start = 0
            for column, (top, below) in enumerate(head):
                start = column if top else start
                if not below:
                    sheet.merge_range(2, column + 2, 3, column + 2, top)
                    continue
                sheet.write(3, column + 2, below)
                if column + 1 == len(head) or head[column + 1][0]:
                    sheet.merge_range(2, start + 2, 2, column + 2, head[start][0])
            for column in range(width + 1):
                sheet.write(4, column, ("甲", "乙")[column] if column < 2 else column - 1)
            for number, (label, cells) in enumerate(rows):
                sheet.write(number + 5, 0, label)
                sheet.write(number + 5, 1, f"{number + 1:02d}")
                sheet.write_row(number + 5, 2, cells)
    return path


def landed(path: Path, dataset: str, period: str = PERIOD) -> list[dict[str, str | None]]:
    """Read a workbook with a dataset's contract: one mapping a row, by contract column."""
    shape = Shape.of(CONTRACTS[dataset], period)
    out = []
    for sheet in read_workbook(path, path.name, shape):
        assert sheet.error_code is None, sheet.error
        for line in sheet.blob.decode().splitlines():
            cells = [None if cell == "\\N" else cell for cell in line.split("\t")[2:]]
            out.append(dict(zip((f.name for f in shape.fields), cells, strict=True)))
    return out


# 3 x 100 + 3 x 90 pupils; girls; the part of boarders
PRIMARY_ROWS: Rows = (
    ("总计", (88, 101, 570, 270, 101, 99, 100, 90, 90, 90, 90)),
    ("其中：女", (40, 48, 270, 270, 48, 44, 45, 45, 44, 44, 44)),
    ("其中：寄宿生", (10, 9, 60, 30, 9, 11, 10, 10, 10, 10, 10)),
)
JUNIOR_ROWS: Rows = (("总计", (80, 85, 250, 120, 85, 84, 81, 81)),)


@pytest.mark.parametrize("number", ["", "311", "312", "313", "314", "315"])
def test_the_stage_in_the_name_tells_the_form_and_not_its_number(
    tmp_path: Path, number: str
) -> None:
    book = write(
        tmp_path / "藤县_汇总.xlsx",
        {
            f"基础基{number}_小学学生情况": (PRIMARY, PRIMARY_ROWS),
            f"基础基{number}_初中学生情况": (JUNIOR, JUNIOR_ROWS),
            # forms of the same family that are not for these datasets
            "基础基311_小学分年龄学生数": (PRIMARY, PRIMARY_ROWS),
            "基础基211_小学班额情况": (PRIMARY, PRIMARY_ROWS),
            "基础基411_初中专任教师": (JUNIOR, JUNIOR_ROWS),
        },
    )
    primary = landed(book, "jj3112")
    assert [row["row_name"] for row in primary] == ["总计", "其中：女", "其中：寄宿生"]
    first = primary[0]
    assert (first["reporter_code"], first["reporter_name"]) == ("450422", "藤县")
    assert first["form_year"] == PERIOD
    assert (first["graduates"], first["entrants"], first["enrolment"]) == ("88", "101", "570")
    assert (first["enrolment_female"], first["grade_1"], first["grade_6"]) == ("270", "101", "90")
    assert first["expected_graduates"] == "90"
    assert first["entrants_preschool_0"] is None
    junior = landed(book, "jj3115")
    assert [row["row_name"] for row in junior] == ["总计"]
    assert (junior[0]["entrants"], junior[0]["grade_9"], junior[0]["grade_10"]) == (
        "85",
        "81",
        None,
    )


def test_a_workbook_of_another_old_family_is_not_ours(tmp_path: Path) -> None:
    book = write(tmp_path / "x.xlsx", {"中职基311_学生情况": (PRIMARY, PRIMARY_ROWS)})
    with pytest.raises(LandingError) as caught:
        landed(book, "jj3112")
    assert caught.value.code == "LND-017"


def test_an_old_form_of_another_year_is_refused(tmp_path: Path) -> None:
    book = write(tmp_path / "x.xlsx", {"基础基_小学学生情况": (PRIMARY, PRIMARY_ROWS)})
    with pytest.raises(LandingError) as caught:
        landed(book, "jj3112", "2018-2019")
    assert caught.value.code == "LND-018"


def test_entrants_of_the_city_are_the_same_from_both_series(tmp_path: Path) -> None:
    """Denominator of nine-year retention: 2017 comes in the old form, 2021 in the current one."""
    city = make_city(tmp_path / "city", 0.01, 11, processes=1).out
    for year, family in ((2017, "基础基"), (2021, "教基3112_")):
        period = world.school_year(year)
        found = {}
        for path in sorted((city / "教基历年" / period).glob("*.xlsx")):
            shape = Shape.of(CONTRACTS["jj3112"], period)
            sheets = read_workbook(path, path.name, shape)
            assert [sheet.sheet.startswith(family) for sheet in sheets] == [True]
            rows = landed(path, "jj3112", period)
            found[rows[0]["reporter_code"]] = rows[0]["entrants"]
        drawn = {
            code: str(int(forms.historic(year, region, 0.01)["3112"][0, 1]))
            for region, code in enumerate(world.REGION_CODES)
        }
        assert found == drawn
