"""The city's preschool, health and school ledgers, read back from the files without the product."""

import csv
import io
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from demo.city import make_city, world
from demo.city.ledger import Entry, read_ledger

Rows = list[tuple[int, dict[str, str]]]
PERIOD = "2025-2026"
# 镇 and 乡 by county (国家统计局): 58 in all
TOWNSHIPS = {
    "450403": 3, "450405": 2, "450406": 4, "450421": 9, "450422": 17, "450423": 9, "450481": 14,
}  # fmt: skip


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small city of its own."""
    return make_city(tmp_path_factory.mktemp("own") / "city", scale=0.03, seed=11, processes=1).out


@pytest.fixture(scope="module")
def ledger(city: Path) -> list[Entry]:
    return read_ledger(city / "_ledger.csv")


def table(path: Path, sheet: str, header: int, *, two_rows: bool = False) -> Rows:
    """Rows of a sheet below its header (1-based), until the first footnote or total."""
    grid = CalamineWorkbook.from_path(str(path)).get_sheet_by_name(sheet)
    cells = grid.to_python(skip_empty_area=False)
    above = cells[header - 2] if two_rows else cells[header - 1]
    labels = [str(low or high) for high, low in zip(above, cells[header - 1], strict=True)]
    return [
        (number, dict(zip(labels, map(str, row), strict=True)))
        for number, row in enumerate(cells[header:], header + 1)
        if not str(row[0]).startswith(("合计", "注", "说明", "备注"))
    ]


def text_rows(path: Path) -> Rows:
    lines = csv.DictReader(io.StringIO(path.read_bytes().decode("gb18030")))
    return list(enumerate(lines, 2))


def planted(ledger: list[Entry], dataset: str) -> set[tuple[str, str, int]]:
    return {(e.file, e.sheet, e.row or 0) for e in ledger if e.dataset == dataset}


def test_children_are_those_of_the_statistics_without_attached_classes(
    city: Path, ledger: list[Entry]
) -> None:
    """Per kindergarten and kind of class, the list holds as many children as form 2105."""
    spoilt = planted(ledger, "preschool_children")
    spoilt_forms = {e.file for e in ledger if e.dataset.startswith("jj")}
    listed: Counter[tuple[str, str]] = Counter()
    vague: set[str] = set()
    for path in sorted((city / "学前教育" / PERIOD).glob("*_在园幼儿.csv")):
        file = str(path.relative_to(city))
        for number, row in text_rows(path):
            assert row["身份证件号"].startswith(("450499", "4.50499E"))
            if (file, "", number) in spoilt:
                vague.add(row["园所代码"])
            listed[row["园所代码"], row["班型"]] += 1
    checked = missing = 0
    for path in sorted((city / "教基" / PERIOD).glob("1145*.xlsx")):
        code = path.name[:10]
        if code in vague or str(path.relative_to(city)) in spoilt_forms:
            continue
        book = CalamineWorkbook.from_path(str(path))
        names = [name for name in book.sheet_names if "2105" in name]
        if not names:
            continue
        for row in book.get_sheet_by_name(names[0]).to_python(skip_empty_area=False):
            if row[0] in ("托班", "小班", "中班", "大班", "混合班"):
                missing += listed[code, str(row[0])] != int(row[-2] or 0)
                checked += 1
    assert checked > 50
    # a child whose kindergarten was spoilt cannot be told to be of this one
    assert missing <= sum(e.kind == "pch-kindergarten-unknown" for e in ledger)
    # attached classes are in the statistics only
    assert all(code.startswith("1145") for code, _ in listed if code not in vague)


def test_every_township_has_at_most_one_public_centre(city: Path, ledger: list[Entry]) -> None:
    path = city / "学前教育" / PERIOD / "梧州市_园所信息.xlsx"
    file, spoilt = str(path.relative_to(city)), planted(ledger, "kindergartens")
    centres: Counter[str] = Counter()
    places: dict[str, set[str]] = defaultdict(set)
    for sheet in world.REGION_NAMES:
        for number, row in table(path, sheet, 2):
            place = row["所在乡镇(街道)代码"]
            if place[6:9] >= "100":
                places[place[:6]].add(place)
            if row["是否乡镇公办中心园"] == "是" and (file, sheet, number) not in spoilt:
                assert row["办园性质"] != "民办"
                assert place[6:9] >= "100"
                centres[place] += 1
    assert set(centres.values()) == {1}
    assert all(len(found) <= TOWNSHIPS[county] for county, found in places.items())


def test_level_follows_from_the_score(city: Path, ledger: list[Entry]) -> None:
    """90, 80 and 60 points; exempt pupils have neither."""
    spoilt = planted(ledger, "fitness")
    levels: Counter[str] = Counter()
    for path in sorted((city / "体质健康" / PERIOD).glob("*.csv")):
        file = str(path.relative_to(city))
        for number, row in text_rows(path):
            if (file, "", number) in spoilt:
                continue
            levels[row["等级"]] += 1
            if row["免测"] == "是":
                assert (row["总分"], row["等级"], row["50米跑"]) == ("", "", "")
                continue
            score = float(row["总分"])
            due = "优秀" if score >= 90 else "良好" if score >= 80 else "及格"
            assert row["等级"] == (due if score >= 60 else "不及格"), (file, number)
    assert set(levels) == {"优秀", "良好", "及格", "不及格", ""}
    good = (levels["优秀"] + levels["良好"]) / (levels.total() - levels[""])
    assert 0.4 < good < 0.65


@pytest.mark.parametrize("semester", ["秋", "春"])
def test_participants_are_pupils(city: Path, ledger: list[Entry], semester: str) -> None:
    spoilt = planted(ledger, "after_school")
    seen = 0
    for path in sorted((city / "课后服务" / PERIOD).glob("*.xlsx")):
        sheet = f"{2025 + (semester == '春')}{semester}"
        for number, row in table(path, sheet, 3):
            if (str(path.relative_to(city)), sheet, number) not in spoilt:
                assert 0 < float(row["参加人数"]) <= float(row["在校生数"])
                seen += 1
    assert seen > 50


def test_degrees_of_myopia_add_up(city: Path, ledger: list[Entry]) -> None:
    spoilt = planted(ledger, "eyesight")
    rates: dict[str, list[float]] = defaultdict(list)
    for path in sorted((city / "视力监测" / PERIOD).glob("*.xlsx")):
        for number, row in table(path, "秋季学期", 3, two_rows=True):
            if (str(path.relative_to(city)), "秋季学期", number) in spoilt:
                continue
            myopia = float(row["合计"])
            assert myopia == sum(float(row[part]) for part in ("轻度", "中度", "高度"))
            assert myopia <= float(row["筛查人数"])
            rates[row["年级"][:2]].append(myopia / max(1.0, float(row["筛查人数"])))
    mean = {stage: sum(values) / len(values) for stage, values in rates.items()}
    assert mean["小学"] < mean["初中"] < mean["高中"]
