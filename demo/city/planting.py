"""Files with their planted defects: CSV variants, 教基 workbooks, county summaries, register."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from demo.city import forms, people, world, xlsx
from demo.city.forms import FORMS
from demo.city.ledger import Entry
from demo.city.world import (
    JUNIOR,
    KG,
    NINE,
    POINT,
    PRIMARY,
    REGION_CODES,
    REGION_NAMES,
    YEARS,
    Schools,
    rng,
    school_year,
)

LATEST = 2025
HISTORY_FOLDER = "教基历年"
# Every 教基 dataset reads every workbook, so an unreadable file is rejected in all of them.
JJ = ("jj2105", "jj2106", "jj2107", "jj3112", "jj3115", "jj4149", "jj4155", "jj5170", "jj5176")
Cells = dict[tuple[str, str, int], xlsx.Cell]

DRIFT_REGION = 3  # its latest student list has a column the contract does not know
UTF8_REGION = 2  # its latest student list is UTF-8 with BOM although GB18030 is declared


def write_student_csv(
    path: Path,
    file: str,
    period: str,
    region: int,
    year: int,
    frame,
    header,
    edits,
) -> list[Entry]:
    """Write a county's student list; two counties deviate from the form in the latest year."""
    from demo.city.build import csv_bytes, spoil, to_gb18030

    entries = []
    labels = list(header)
    if year == LATEST and region == DRIFT_REGION:
        import polars as pl

        extra = pl.Series("extra", ["无"]).extend_constant("无", frame.height - 1)
        frame = frame.with_columns(extra.alias("残疾类型"))
        labels.append("残疾类型")
        entries.append(
            Entry(
                "students",
                period,
                file,
                "",
                None,
                "残疾类型",
                "csv-extra-column",
                "LND-006",
                "lands beside",
            )
        )
    data = csv_bytes(frame, labels)
    if year == LATEST and region == UTF8_REGION:
        data = b"\xef\xbb\xbf" + data
        edits_utf8 = {r: k for r, k in edits.items()}
        path.write_bytes(spoil(data, edits_utf8))
        entries.append(
            Entry(
                "students",
                period,
                file,
                "",
                None,
                "",
                "csv-utf8-bom",
                "LND-007",
                "declared GB18030",
            )
        )
    else:
        path.write_bytes(spoil(to_gb18030(data), edits))
    return entries


def _form_row(key: str, row_name: str) -> int:
    form = FORMS[key.partition("_")[0]]
    return form.first_data_row + form.rows.index(row_name)


class _Victims:
    """Hands out schools, each once, by kind of school."""

    def __init__(self, schools: Schools, ids: NDArray[np.int64], g: np.random.Generator) -> None:
        self.kind = schools.kind_y[ids, 2]
        self.listed = schools.listed(LATEST)[ids]
        self.changed = np.array([any(p) for p in (schools.predecessor_y[i] for i in ids)])
        self.attached = schools.attached_kg[ids]
        self.free = self.listed & ~self.changed & ~self.attached
        self.order = g.permutation(len(ids))

    def take(self, *kinds: int, where: NDArray[np.bool_] | None = None) -> int | None:
        """Return a local school position never given out before, or None."""
        for i in self.order:
            if self.free[i] and self.kind[i] in kinds and (where is None or where[i]):
                self.free[i] = False
                return int(i)
        return None


def write_region_forms(
    schools: Schools,
    ids: NDArray[np.int64],
    tables: dict[int, dict[str, NDArray[np.float64]]],
    region: int,
    seed: int,
    out: Path,
    backbone: NDArray[np.int64],
) -> list[Entry]:
    """Write the latest year's workbooks of a region, one per school."""
    folder = out / "教基" / school_year(LATEST)
    folder.mkdir(parents=True, exist_ok=True)
    period = school_year(LATEST)
    t = tables[LATEST]
    g = rng(seed, 30, region)
    victims = _Victims(schools, ids, g)
    repeats = max(1, min(3, len(ids) // 120))
    overrides: dict[int, Cells] = {}
    entries: list[Entry] = []

    def file_of(i: int) -> str:
        s = int(ids[i])
        return f"教基/{period}/{schools.code_y[s][2]}_{schools.name_y[s][2]}.xlsx"

    def sheet_of(i: int, key: str) -> str:
        form, _, stage = key.partition("_")
        kind = world.TYPE_NAME[schools.type_y[int(ids[i])][2]]
        return forms.sheet_name(form, stage, kind)

    def spoil(
        i: int | None,
        key: str,
        cells: dict[tuple[str, int], float | str],
        row: str,
        column: str,
        slug: str,
        rule: str,
    ) -> None:
        if i is None:
            return
        mine = overrides.setdefault(i, {})
        for (name, c), value in cells.items():
            number = (
                value
                if isinstance(value, str)
                else (int(value) if value == int(value) else float(round(value, 2)))
            )
            mine[(key, name, c)] = number
        dataset = f"jj{key[:4]}"
        entries.append(
            Entry(
                dataset,
                period,
                file_of(i),
                sheet_of(i, key),
                _form_row(key, row),
                column,
                slug,
                rule,
            )
        )

    # At tiny scales a region takes only part of the kinds, so that no batch is held for them.
    wanted = 0

    def turn() -> bool:
        nonlocal wanted
        wanted += 1
        return len(ids) >= 60 or (wanted + region) % 4 == 0

    no_leavers = np.nan_to_num(t["3112"][:, 0, 14]) == 0
    no_leavers &= np.nan_to_num(t["3112"][:, 0, 0]) == 0
    pupils = np.nan_to_num(t["3112"][:, 0, 6])
    classes6 = np.nan_to_num(t["2106"][:, 1, 0])

    def cell(i: int, key: str, row: str, c: int) -> float:
        form = FORMS[key.partition("_")[0]]
        return float(t[key][i, form.rows.index(row), c])

    for _ in range(repeats):

        def point() -> int | None:
            return victims.take(POINT, where=no_leavers & (pupils > 0))

        if turn() and (i := point()) is not None:
            spoil(
                i,
                "3112",
                {("总计", 6): cell(i, "3112", "总计", 6) + 4},
                "总计",
                "enrolment",
                "jj3112-total-not-grades",
                "J3112-001",
            )
        if turn() and (i := point()) is not None:
            v = cell(i, "3112", "总计", 1)
            spoil(
                i,
                "3112",
                {("总计", 1): v + 2},
                "总计",
                "entrants",
                "jj3112-entrants-not-grade-1",
                "J3112-002",
            )
        if turn() and (i := point()) is not None:
            v = cell(i, "3112", "总计", 1)
            spoil(
                i,
                "3112",
                {("总计", 5): v + 3},
                "总计",
                "entrants_preschool_3",
                "jj3112-preschool-above-entrants",
                "J3112-003",
            )
        if turn() and (i := point()) is not None:
            spoil(
                i,
                "3112",
                {("总计", 14): 7},
                "总计",
                "expected_graduates",
                "jj3112-leavers-not-grade-6",
                "J3112-004",
            )
        if turn() and (i := point()) is not None:
            v = cell(i, "3112", "总计", 6)
            spoil(
                i,
                "3112",
                {("总计", 7): v + 1},
                "总计",
                "enrolment_female",
                "jj3112-girls-above-total",
                "J3112-005",
            )
        if turn() and (i := victims.take(PRIMARY)) is not None:
            # an eleventh school bus: more boarders than pupils, spread over the grades
            total = [cell(i, "3112", "总计", c) for c in range(8, 14)]
            cells: dict[tuple[str, int], float | str] = {
                ("#寄宿生", 8 + k): v + 1 for k, v in enumerate(total)
            }
            cells[("#寄宿生", 6)] = sum(total) + 6
            cells[("#寄宿生", 1)] = total[0] + 1
            cells[("#寄宿生", 14)] = total[5] + 1
            spoil(i, "3112", cells, "#寄宿生", "enrolment", "jj3112-part-above-total", "J3112-007")
        juniors = (JUNIOR,)
        if turn() and (i := victims.take(*juniors)) is not None:
            spoil(
                i,
                "3115",
                {("总计", 2): cell(i, "3115", "总计", 2) + 5},
                "总计",
                "enrolment",
                "jj3115-total-not-grades",
                "J3115-001",
            )
        if turn() and (i := victims.take(*juniors)) is not None:
            spoil(
                i,
                "3115",
                {("总计", 1): max(0, cell(i, "3115", "总计", 1) - 3)},
                "总计",
                "entrants",
                "jj3115-entrants-not-grade-7",
                "J3115-002",
            )
        if turn() and (i := victims.take(*juniors)) is not None:
            spoil(
                i,
                "3115",
                {("总计", 8): cell(i, "3115", "总计", 8) + 6},
                "总计",
                "expected_graduates",
                "jj3115-leavers-not-grade-9",
                "J3115-004",
            )
        if turn() and (i := victims.take(*juniors)) is not None:
            spoil(
                i,
                "3115",
                {("总计", 3): cell(i, "3115", "总计", 2) + 2},
                "总计",
                "enrolment_female",
                "jj3115-girls-above-total",
                "J3115-005",
            )
        if turn() and (i := victims.take(*juniors)) is not None:
            spoil(
                i, "3115", {("总计", 7): 5}, "总计", "grade_10", "jj3115-fourth-grade", "J3115-006"
            )
        if turn() and (i := victims.take(*juniors)) is not None:
            v = cell(i, "3115", "总计", 0)
            spoil(
                i,
                "3115",
                {("#农村留守儿童", 0): v + 9},
                "#农村留守儿童",
                "graduates",
                "jj3115-part-above-total",
                "J3115-007",
            )
        if turn() and (i := victims.take(KG)) is not None:
            spoil(
                i,
                "2105",
                {("总计", 0): cell(i, "2105", "总计", 0) + 1},
                "总计",
                "classes",
                "jj2105-classes-not-bands",
                "J2105-001",
            )
        if turn() and (i := victims.take(KG)) is not None:
            spoil(
                i,
                "2105",
                {
                    ("总计", 0): 38,
                    ("总计", 1): 38,
                    ("总计", 2): 0,
                    ("总计", 3): 0,
                    ("总计", 4): 0,
                    ("总计", 5): 0,
                    ("总计", 6): 400,
                    ("总计", 7): 190,
                },
                "总计",
                "classes",
                "jj2105-too-many-classes",
                "J2105-002",
            )
        if turn() and (i := victims.take(KG)) is not None:
            k = cell(i, "2105", "大班", 0)
            spoil(
                i,
                "2105",
                {
                    ("大班", 6): k * 3 if k and cell(i, "2105", "大班", 1) == 0 else 300,
                    ("大班", 7): 1,
                },
                "大班",
                "children",
                "jj2105-children-outside-bands",
                "J2105-003",
            )
        if turn() and (i := victims.take(PRIMARY, where=classes6 > 0)) is not None:
            spoil(
                i,
                "2106",
                {("一年级", 0): cell(i, "2106", "一年级", 0) + 2},
                "一年级",
                "classes",
                "jj2106-classes-not-bands",
                "J2106-001",
            )
        if turn() and (i := victims.take(PRIMARY, where=classes6 > 0)) is not None:
            cells = {("一年级", c): 0 for c in range(2, 11)}
            cells |= {("一年级", 0): 24, ("一年级", 1): 24}
            spoil(i, "2106", cells, "一年级", "classes", "jj2106-too-many-tracks", "J2106-002")
        if turn() and (i := victims.take(PRIMARY, where=classes6 > 0)) is not None:
            k = cell(i, "2106", "一年级", 0)
            cells = {("一年级", c): 0 for c in range(1, 11)}
            full = cell(i, "3112", "总计", 8) > 55 * k  # then claim small classes instead
            cells[("一年级", 1 if full else 10)] = k
            spoil(i, "2106", cells, "一年级", "c_ge66", "jj2106-bands-not-pupils", "J2106-003")
        if turn() and (i := victims.take(*juniors)) is not None:
            spoil(
                i,
                "2107",
                {("总计", 0): cell(i, "2107", "总计", 0) + 2},
                "总计",
                "classes",
                "jj2107-classes-not-bands",
                "J2107-001",
            )
        if turn() and (i := victims.take(*juniors)) is not None:
            cells = {("二年级", c): 0 for c in range(2, 11)}
            cells |= {("二年级", 0): 26, ("二年级", 1): 26}
            spoil(i, "2107", cells, "二年级", "classes", "jj2107-too-many-tracks", "J2107-002")
        if turn() and (i := victims.take(*juniors)) is not None:
            k = cell(i, "2107", "三年级", 0)
            cells = {("三年级", c): 0 for c in range(1, 11)}
            full = cell(i, "3115", "总计", 6) > 55 * k
            cells[("三年级", 1 if full else 10)] = k
            spoil(i, "2107", cells, "三年级", "c_ge66", "jj2107-bands-not-pupils", "J2107-003")
        if turn() and (i := victims.take(PRIMARY, JUNIOR)) is not None:
            spoil(
                i,
                "4149",
                {("#在编人员", 0): cell(i, "4149", "#在编人员", 0) + 1},
                "#在编人员",
                "staff",
                "jj4149-staff-not-parts",
                "J4149-001",
            )
        if turn() and (i := victims.take(PRIMARY, JUNIOR)) is not None:
            n = cell(i, "4149", "总计", 0)
            spoil(
                i,
                "4149",
                {
                    ("#少数民族", 0): n + 3,
                    ("#少数民族", 1): n + 3,
                    ("#少数民族", 2): 0,
                    ("#少数民族", 3): 0,
                    ("#少数民族", 4): 0,
                    ("#少数民族", 5): 0,
                },
                "#少数民族",
                "staff",
                "jj4149-part-above-total",
                "J4149-007",
            )
        if turn() and (i := victims.take(PRIMARY)) is not None:
            spoil(
                i,
                "4155_小学",
                {("#女", 0): cell(i, "4155_小学", "#女", 0) + 1},
                "#女",
                "total",
                "jj4155-total-not-courses",
                "J4155-001",
            )
        if turn() and (i := victims.take(PRIMARY)) is not None:
            spoil(
                i,
                "4155_小学",
                {
                    ("专科", 0): cell(i, "4155_小学", "专科", 0) + 2,
                    ("专科", 2): cell(i, "4155_小学", "专科", 2) + 2,
                },
                "总计",
                "total",
                "jj4155-degrees-not-total",
                "J4155-002",
            )
        if turn() and (i := victims.take(JUNIOR)) is not None:
            more = cell(i, "4149", "总计", 0) + 5
            cells = {
                (r, c): cell(i, "4155_初中", r, c) + more for r in ("总计", "本科") for c in (0, 2)
            }
            spoil(i, "4155_初中", cells, "总计", "total", "jj4155-more-than-staff", "J4155-003")
        if turn() and (i := victims.take(PRIMARY, where=backbone >= 4)) is not None:
            few = max(1, int(backbone[i]) // 3)
            cells = {(r, c): 0 for r in FORMS["4155"].rows for c in range(17)}
            cells |= {(r, c): few for r in ("总计", "本科") for c in (0, 2)}
            spoil(i, "4155_小学", cells, "总计", "total", "jj4155-fewer-than-backbone", "J4155-004")
        if turn() and (i := victims.take(KG, PRIMARY)) is not None:
            spoil(
                i,
                "5170",
                {("总计", 0): cell(i, "5170", "总计", 0) + 150},
                "总计",
                "area_owned",
                "jj5170-total-not-parts",
                "J5170-001",
            )
        if turn() and (i := victims.take(PRIMARY, JUNIOR)) is not None:
            v = cell(i, "5170", "教学及辅助用房", 0) + cell(i, "5170", "教学及辅助用房", 3)
            spoil(
                i,
                "5170",
                {("#室内体育用房", 0): v + 500, ("#室内体育用房", 3): 0},
                "#室内体育用房",
                "area_owned",
                "jj5170-gym-above-teaching",
                "J5170-002",
            )
        if turn() and (i := victims.take(PRIMARY, JUNIOR)) is not None:
            v = cell(i, "5176", "#教学仪器设备资产值", 1)
            spoil(
                i,
                "5176",
                {("#教学仪器设备资产值", 1): round(v * 10_000)},
                "#教学仪器设备资产值",
                "owned",
                "jj5176-yuan-for-wanyuan",
                "J5176-001",
            )
        if turn() and (i := victims.take(PRIMARY, JUNIOR)) is not None:
            v = cell(i, "5176", "占地面积", 1) + cell(i, "5176", "占地面积", 2)
            spoil(
                i,
                "5176",
                {("运动场地面积", 1): v + 1000, ("运动场地面积", 2): 0},
                "占地面积",
                "owned",
                "jj5176-grounds-above-land",
                "J5176-002",
            )

    # Whole files: one region each, schools that no other rule refers to.
    broken: dict[int, str] = {}
    plan = {
        0: ("truncated", "LND-013"),
        1: ("password", "LND-014"),
        2: ("html", "LND-015"),
        4: ("year", "LND-018"),
        6: ("twice", "LND-019"),
    }
    if region in plan:
        how, rule = plan[region]
        if how == "twice":
            options = np.flatnonzero(victims.attached & (victims.kind == NINE) & victims.listed)
            chosen = int(options[0]) if len(options) else None
        else:
            chosen = victims.take(KG)
        if chosen is not None:
            broken[chosen] = how
            file = file_of(chosen)
            if how == "twice":
                file = file.replace(".xlsx", "_副本.xlsx")
            kinds = {
                "truncated": "xlsx-truncated",
                "password": "xlsx-password",
                "html": "xlsx-html",
                "year": "jj-other-school-year",
                "twice": "file-twice",
            }
            datasets = ("jj2105", "jj5170", "jj5176") if how == "year" else JJ
            entries.extend(Entry(d, period, file, "", None, "", kinds[how], rule) for d in datasets)
    for i in np.flatnonzero(schools.listed(LATEST)[ids]):
        s = int(ids[i])
        how = broken.get(int(i), "")
        sheets = forms.school_workbook(
            schools,
            s,
            int(i),
            t,
            LATEST,
            overrides.get(int(i)),
            corner_year=school_year(LATEST - 1) if how == "year" else None,
        )
        data = xlsx.workbook_bytes(sheets)
        path = out / file_of(int(i))
        if how == "truncated":
            data = data[: len(data) * 2 // 3]
        elif how == "password":
            data = xlsx.encrypted_workbook(data)
        elif how == "html":
            data = (
                '<html><head><meta charset="gbk"></head><body><table><tr><td>教基2105</td></tr>'
                "</table></body></html>"
            ).encode("gb18030")
        elif how == "twice":
            path.with_name(path.stem + "_副本.xlsx").write_bytes(data)
        path.write_bytes(data)
    return entries


def write_county_forms(
    out: Path,
    scale: float,
    seed: int,
    tables: dict[int, dict[int, dict[str, NDArray[np.float64]]]],
) -> list[Entry]:
    """Write the county summaries of earlier years, with a few defects in their sub-rows."""
    entries: list[Entry] = []
    plan: dict[tuple[int, int], list[tuple[str, str, int, float, str, str, str]]] = {
        (2024, 4): [("4149", "#女", 0, 7, "staff", "jj4149-staff-not-parts", "J4149-001")],
        (2023, 6): [("4155_小学", "#女", 0, 11, "total", "jj4155-total-not-courses", "J4155-001")],
        (2016, 6): [
            ("3112", "#随迁子女", 6, 5, "enrolment", "jj3112-total-not-grades", "J3112-001")
        ],
        (2018, 4): [("3115", "#寄宿生", 2, 8, "enrolment", "jj3115-total-not-grades", "J3115-001")],
        (2023, 2): [
            ("5170", "总计", 3, 120, "area_exclusive", "jj5170-total-not-parts", "J5170-001")
        ],
    }
    for year in world.HISTORY:
        if year == LATEST:
            continue
        period = school_year(year)
        # Years before the first 学籍 list have two of the forms only, and a folder of their own:
        # the datasets of the other forms do not look there.
        series = "教基" if year >= YEARS[0] else HISTORY_FOLDER
        (out / series / period).mkdir(parents=True, exist_ok=True)
        for region in range(8):
            code, name = REGION_CODES[region], REGION_NAMES[region]
            if year >= YEARS[0]:
                table = forms.summarise(tables[region][year])
            else:
                table = forms.historic(year, region, scale)
            overrides: Cells = {}
            file = f"{series}/{period}/{code}_{name}_汇总.xlsx"
            for key, row, c, more, column, slug, rule in plan.get((year, region), []):
                form = FORMS[key.partition("_")[0]]
                overrides[(key, row, c)] = int(table[key][form.rows.index(row), c] + more)
                stage = key.partition("_")[2]
                entries.append(
                    Entry(
                        f"jj{key[:4]}",
                        period,
                        file,
                        f"教基{key[:4]}_{stage}汇总",
                        _form_row(key, row),
                        column,
                        slug,
                        rule,
                    )
                )
            sheets = forms.county_workbook(code, name, period, table, overrides)
            xlsx.write_workbook(out / file, sheets)
    # Last year's county file sent again under this year.
    old, new = school_year(LATEST - 1), school_year(LATEST)
    code, name = REGION_CODES[5], REGION_NAMES[5]
    again = f"教基/{new}/{code}_{name}_汇总.xlsx"
    (out / again).write_bytes((out / f"教基/{old}/{code}_{name}_汇总.xlsx").read_bytes())
    entries += [Entry(d, new, again, "", None, "", "jj-last-year-again", "LND-018") for d in JJ]
    return entries


REGISTER_HEADER = (
    "★学校(机构)标识码",
    "★学校(机构)名称",
    "★驻地地域码",
    "属地管理教育行政部门码",
    "★办学类型码",
    "办学类型",
    "举办者码",
    "举办者",
    "所在地城乡类型码",
    "是否普惠性民办园",
    "普惠认定起始日期",
    "普惠认定截止日期",
    "设立年月",
    "撤销年月",
    "原标识码",
    "规划建设年份",
    "经度",
    "纬度",
    "地址",
)
ORGANISER = {"821": "地级教育部门", "831": "县级教育部门", "894": "集体", "999": "民办"}


def _register_rows(schools: Schools, year: int) -> tuple[list[list[str | None]], list[int]]:
    rows: list[list[str | None]] = []
    ids: list[int] = []
    y = year - 2023
    for i in np.flatnonzero(schools.listed(year)):
        region, location = int(schools.region[i]), int(schools.location[i])
        inclusive = bool(schools.inclusive[i])
        kg = schools.kind[i] == KG
        private = schools.organiser[i] == "999"
        road = people.ROADS[int(i) % len(people.ROADS)]
        rows.append(
            [
                schools.code_y[i][y],
                schools.name_y[i][y],
                f"{REGION_CODES[location]}{100 + i % 9:03d}000",
                f"{REGION_CODES[region]}000000",
                schools.type_y[i][y],
                world.TYPE_NAME[schools.type_y[i][y]],
                schools.organiser[i],
                ORGANISER[schools.organiser[i]],
                schools.urban[i],
                ("是" if inclusive else "否") if kg and private else None,
                "20220901" if inclusive else None,
                "20270831" if inclusive else None,
                schools.founded[i],
                None,
                schools.predecessor_y[i][y] or None,
                schools.planned[i],
                f"{schools.lon[i]:.6f}",
                f"{schools.lat[i]:.6f}",
                f"广西梧州市{REGION_NAMES[location]}{schools.town[i]}{road}路{int(i) % 300 + 1}号",
            ]
        )
        ids.append(int(i))
    return rows, ids


def write_register(out: Path, schools: Schools, seed: int) -> list[Entry]:
    """Write the school register of each year; critical defects sit on schools of paper only.

    A rejected register row would accuse the pupils of its school, so the victims of critical
    rules are extra kindergartens (筹建) that no other file mentions.
    """
    entries: list[Entry] = []
    for year in YEARS:
        period = school_year(year)
        file = f"学校名录/{period}/学校(机构)名录.xlsx"
        rows, ids = _register_rows(schools, year)
        g = rng(seed, 40, year)
        each = 1 if len(rows) < 400 else 3
        notes: list[tuple[int, str, str, str]] = []  # row position, column, kind, rule
        # warnings on ordinary schools: kindergartens, each once
        kg = [k for k, i in enumerate(ids) if schools.kind[i] == KG]
        pool = [int(k) for k in g.permutation(np.array(kg))]
        for _ in range(each):
            if len(pool) < 6:
                break
            a, b = pool.pop(), pool.pop()
            rows[b][16], rows[b][17] = rows[a][16], rows[a][17]
            notes += [
                (a, "longitude", "reg-same-coordinates", "REG-006"),
                (b, "longitude", "reg-same-coordinates", "REG-006"),
            ]
            a = pool.pop()
            rows[a][18] = "梧州市"
            notes.append((a, "address", "reg-short-address", "REG-007"))
            if year > 2023:
                a = pool.pop()
                rows[a][14] = f"1145{970000 + a % 1000:06d}"
                notes.append((a, "predecessor_code", "reg-predecessor-unknown", "REG-008"))
            a = pool.pop()
            rows[a][9], rows[a][10], rows[a][11] = "是", None, None
            notes.append((a, "inclusive_from", "reg-inclusive-without-dates", "REG-009"))
        # paper schools
        sample = rows[kg[0]]
        serial = 980_000 + 100 * (year - 2023)
        made = 0

        def paper(
            made: int, serial: int = serial, sample: list[str | None] = sample, year: int = year
        ) -> list[str | None]:
            row = list(sample)
            row[0] = f"1145{serial + made:06d}"
            row[1] = f"万秀区筹建第{made + 1}幼儿园"
            row[9:15] = [None, None, None, f"{year}06", None, None]
            row[15] = str(year - 1)
            row[16], row[17] = f"{111.7 + made * 0.001:.6f}", f"{24.3 + made * 0.001:.6f}"
            row[18] = f"广西梧州市万秀区城东镇筹建路{made + 1}号"
            row[6], row[7] = "831", "县级教育部门"
            return row

        spoils = (
            (0, lambda r: r[0][:9], "school_code", "reg-code-format", "REG-001"),
            (
                2,
                lambda r: "450404" + r[2][6:],
                "location_code",
                "reg-abolished-district",
                "REG-002",
            ),
            (0, lambda r: "31" + r[0][2:], "school_code", "reg-category-not-type", "REG-003"),
            (4, lambda r: "113", "school_type_code", "reg-old-type-code", "REG-004"),
            (1, lambda r: None, "school_name", "reg-name-missing", "REG-REQ-school_name"),
            (9, lambda r: "普惠", "is_inclusive", "reg-inclusive-code", "REG-COD-is_inclusive"),
        )
        for n, (column, change, name, slug, rule) in enumerate(spoils):
            if each == 1 and n % 3 != year - 2023:
                continue
            for _ in range(each):
                row = paper(made)
                made += 1
                row[column] = change(row)  # type: ignore[no-untyped-call]
                notes.append((len(rows), name, slug, rule))
                rows.append(row)
        closed = paper(made)
        made += 1
        closed[13] = f"{year - 1}07"
        notes.append((len(rows), "closed_month", "reg-closed-still-listed", "REG-005"))
        rows.append(closed)
        if year == LATEST:
            twin = paper(made)
            second = list(twin)
            second[1] = f"{second[1]}(新)"
            second[16], second[17] = f"{111.69:.6f}", f"{24.29:.6f}"
            for row in (twin, second):
                notes.append((len(rows), "school_code", "reg-code-twice", "REG-KEY"))
                rows.append(row)
        entries += [
            Entry("school_register", period, file, "学校名录", k + 3, column, slug, rule)
            for k, column, slug, rule in notes
        ]
        body = xlsx.rows_xml([["梧州市学校(机构)名录"], list(REGISTER_HEADER), *rows])
        xlsx.write_workbook(out / file, [xlsx.Sheet("学校名录", body, ("A1:S1",))])
    return entries


def write_extra_files(out: Path, scale: float, seed: int) -> list[Entry]:
    """Add small files that must be rejected alone, beside the good files of their delivery."""
    entries: list[Entry] = []
    period = school_year(LATEST)
    g = rng(seed, 41)
    folder = out / "学籍" / period
    labels = list(people.STUDENT_HEADER)
    plain = [label.lstrip("★") for label in labels]

    def lines(n: int = 6) -> list[list[str]]:
        rows = []
        number = people.identity_numbers(
            np.full(n, 450499), np.full(n, 20140105), 900 + np.arange(n)
        )
        for i, name in enumerate(people.names(g, n)):
            male = (900 + i) % 2 == 1
            rows.append(
                [
                    "2145000001",
                    "补报小学",
                    name,
                    "男" if male else "女",
                    "20140105",
                    "居民身份证",
                    number[i],
                    f"G{number[i]}",
                    "汉族",
                    "农业户口",
                    "450403000000",
                    "小学五年级",
                    "1班",
                    "202109",
                    "就近入学",
                    "走读",
                    "正常入学",
                    "否",
                    "否",
                    "否",
                    "在读",
                    "",
                    "10000000000",
                    "广西梧州市万秀区补报路1号",
                    name,
                    "10000000000",
                ]
            )
        return rows

    def text(header: list[str], rows: list[list[str]]) -> str:
        return "\n".join(",".join(r) for r in [header, *rows]) + "\n"

    good = lines()
    no_id = labels.index("★身份证件号")
    files: tuple[tuple[str, bytes, str, str], ...] = (
        ("补报01", b"", "csv-empty", "LND-001"),
        ("补报02", text(labels, []).encode("gb18030"), "csv-header-only", "LND-002"),
        (
            "补报03",
            text([f"F{i}" for i in range(len(labels))], good).encode("gb18030"),
            "csv-header-unknown",
            "LND-003",
        ),
        (
            "补报04",
            text(
                labels[:no_id] + labels[no_id + 1 :], [r[:no_id] + r[no_id + 1 :] for r in good]
            ).encode("gb18030"),
            "csv-column-missing",
            "LND-004",
        ),
        (
            "补报05",
            text([*labels, "姓名"], [[*r, r[2]] for r in good]).encode("gb18030"),
            "csv-header-twice",
            "LND-005",
        ),
        ("补报06", text(plain, good).encode("utf-16"), "csv-utf16", "LND-009"),
        (
            "补报07",
            text(labels, good)
            .encode("gb18030")
            .replace("补报小学".encode("gb18030"), b"\0\0\0\0", 2),
            "csv-nul",
            "LND-010",
        ),
        (
            "补报08",
            text(
                labels, [*good[:2], [*good[2][:23], '"' + good[2][23], *good[2][24:]], *good[3:]]
            ).encode("gb18030"),
            "csv-quote-open",
            "LND-012",
        ),
    )
    for name, data, slug, rule in files:
        file = f"学籍/{period}/450403_万秀区_{name}_学生.csv"
        (folder / Path(file).name).write_bytes(data)
        entries.append(Entry("students", period, file, "", None, "", slug, rule))
    # the small county's list a second time, byte for byte
    first = folder / "450423_蒙山县_学生.xlsx"
    again = folder / "450423_蒙山县_重复_学生.xlsx"
    again.write_bytes(first.read_bytes())
    entries.append(
        Entry(
            "students", period, f"学籍/{period}/{again.name}", "", None, "", "file-twice", "LND-019"
        )
    )
    # a workbook of the older series among this year's forms
    rows = xlsx.rows_xml(
        [
            ["中职基111 学校基本情况"],
            ["指标名称", "代码", "数量"],
            ["甲", "乙", 1],
            ["占地面积", "01", 12345],
        ]
    )
    file = f"教基/{period}/3645990001_旧表学校.xlsx"
    xlsx.write_workbook(out / file, [xlsx.Sheet("中职基111", rows, ("A1:C1",))])
    entries += [Entry(d, period, file, "", None, "", "xlsx-other-form", "LND-017") for d in JJ]
    # a workbook without any content
    file = f"教基/{period}/3645990002_空表学校.xlsx"
    (out / file).write_bytes(b"")
    entries += [Entry(d, period, file, "", None, "", "xlsx-empty", "LND-001") for d in JJ]
    entries += _unregistered(out, scale)
    # a teacher list saved as HTML
    file = f"教师/{period}/450403_万秀区_补报_教师.xlsx"
    (out / file).write_bytes(
        "<html><body><table><tr><td>教师编号</td></tr></table></body></html>".encode()
    )
    entries.append(Entry("teachers", period, file, "", None, "", "xlsx-html", "LND-015"))
    file = f"教师/{period}/450405_长洲区_补报_教师.xlsx"
    body = xlsx.rows_xml([["序号", "工号", "备注"], ["1", "A1", "无"]])
    xlsx.write_workbook(out / file, [xlsx.Sheet("Sheet1", body)])
    entries.append(Entry("teachers", period, file, "", None, "", "xlsx-header-unknown", "LND-003"))
    return entries


def _unregistered(out: Path, scale: float) -> list[Entry]:
    """Write workbooks of schools that are not in the register: every row is accused."""
    period = school_year(LATEST)
    plan: list[tuple[str, str, str, tuple[str, ...]]] = [
        ("1145999901", "万秀区未登记幼儿园", "幼儿园", ("2105",)),
        ("3145999902", "岑溪市未登记初级中学", "初级中学", ("2107",)),
    ]
    if scale >= 0.05:
        plan += [
            ("2145999903", "藤县未登记小学", "小学", ("3112", "2106")),
            ("3145999904", "藤县未登记初级中学", "初级中学", ("3115", "4149", "4155_初中")),
            ("1145999905", "藤县未登记幼儿园", "幼儿园", ("5170", "5176")),
        ]
    entries = []
    for code, name, kind, keys in plan:
        file = f"教基/{period}/{code}_{name}.xlsx"
        sheets = []
        for key in keys:
            form_code, _, stage = key.partition("_")
            form = FORMS[form_code]
            zero = np.zeros((len(form.rows), len(form.top)))
            corner = forms.school_corner(code, name, period, form.unit)
            sheet = forms.form_sheet(form_code, kind, stage, corner, zero)
            sheets.append(sheet)
            entries += [
                Entry(
                    f"jj{form_code}",
                    period,
                    file,
                    sheet.name,
                    form.first_data_row + r,
                    "reporter_code",
                    "jj-school-unknown",
                    f"J{form_code}-008",
                )
                for r in range(len(form.rows))
            ]
        xlsx.write_workbook(out / file, sheets)
    return entries


def write_hold(out: Path) -> list[Entry]:
    """Make the latest teacher delivery shrink so much that its batch must be held."""
    folder = out / "教师" / school_year(LATEST)
    for path in sorted(folder.glob("*_教师.xlsx")):
        if not path.name.startswith(("450422", "450423")):
            path.unlink()
    return [
        Entry(
            "teachers",
            school_year(LATEST),
            "",
            "",
            None,
            "",
            "tea-delivery-shrank",
            "TEA-101",
            "only with --hold",
        )
    ]
