"""教基 workbooks of the schools and county summaries, with their planted defects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from demo.city import forms, world, xlsx
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
OLD_SERIES_UNTIL = 2019  # the current series begins with the forms of 2020-2021
# Every 教基 dataset reads every workbook, so an unreadable file is rejected in all of them.
JJ = ("jj2105", "jj2106", "jj2107", "jj3112", "jj3115", "jj4149", "jj4155", "jj5170", "jj5176")
Cells = dict[tuple[str, str, int], xlsx.Cell]


def form_row(key: str, row_name: str) -> int:
    """Return the sheet row of a row name; key is the form, with its stage for 4155."""
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
    repeats = max(1, min(3, len(ids) // 400))
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
                form_row(key, row),
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

    # Junior schools are few and each carries much of its county: one of a kind in the whole city.
    spared = 0

    def junior() -> int | None:
        nonlocal spared
        spared += 1
        if (spared + region) % (len(REGION_CODES) - 1):
            return None
        return victims.take(JUNIOR, NINE)

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
        if (i := junior()) is not None:
            spoil(
                i,
                "3115",
                {("总计", 2): cell(i, "3115", "总计", 2) + 5},
                "总计",
                "enrolment",
                "jj3115-total-not-grades",
                "J3115-001",
            )
        if (i := junior()) is not None:
            spoil(
                i,
                "3115",
                {("总计", c): cell(i, "3115", "总计", c) + 3 for c in (2, 4)},
                "总计",
                "entrants",
                "jj3115-entrants-not-grade-7",
                "J3115-002",
            )
        if (i := junior()) is not None:
            spoil(
                i,
                "3115",
                {("总计", 8): cell(i, "3115", "总计", 8) + 6},
                "总计",
                "expected_graduates",
                "jj3115-leavers-not-grade-9",
                "J3115-004",
            )
        if (i := junior()) is not None:
            spoil(
                i,
                "3115",
                {("总计", 3): cell(i, "3115", "总计", 2) + 2},
                "总计",
                "enrolment_female",
                "jj3115-girls-above-total",
                "J3115-005",
            )
        if (i := junior()) is not None:
            spoil(
                i, "3115", {("总计", 7): 5}, "总计", "grade_10", "jj3115-fourth-grade", "J3115-006"
            )
        if (i := junior()) is not None:
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
        if (i := junior()) is not None:
            spoil(
                i,
                "2107",
                {("总计", 0): cell(i, "2107", "总计", 0) + 2},
                "总计",
                "classes",
                "jj2107-classes-not-bands",
                "J2107-001",
            )
        if (i := junior()) is not None:
            cells = {("二年级", c): 0 for c in range(2, 11)}
            cells |= {("二年级", 0): 26, ("二年级", 1): 26}
            spoil(i, "2107", cells, "二年级", "classes", "jj2107-too-many-tracks", "J2107-002")
        if (i := junior()) is not None:
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
            v = cell(i, "5176", "图书", 1)  # a digit left out: still a library
            spoil(i, "5176", {("图书", 1): v // 10}, "图书", "owned", "blind-jj5176-books", "")
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
        old = year <= OLD_SERIES_UNTIL
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
                        forms.OLD_SHEETS[key] if old else f"教基{key[:4]}_{stage}汇总",
                        form_row(key, row),
                        column,
                        slug,
                        rule,
                    )
                )
            workbook = forms.old_county_workbook if old else forms.county_workbook
            sheets = workbook(code, name, period, table, overrides)
            xlsx.write_workbook(out / file, sheets)
    # Last year's county file sent again under this year.
    old, new = school_year(LATEST - 1), school_year(LATEST)
    code, name = REGION_CODES[5], REGION_NAMES[5]
    again = f"教基/{new}/{code}_{name}_汇总.xlsx"
    (out / again).write_bytes((out / f"教基/{old}/{code}_{name}_汇总.xlsx").read_bytes())
    entries += [Entry(d, new, again, "", None, "", "jj-last-year-again", "LND-018") for d in JJ]
    return entries
