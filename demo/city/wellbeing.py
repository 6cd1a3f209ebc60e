"""Eyesight screening, after-school service and the ledger of school governance."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from demo.city import people, xlsx
from demo.city.ledger import Entry
from demo.city.world import (
    COMPLETE,
    COUNTIES,
    JUNIOR,
    NINE,
    PRIMARY,
    REGION_CODES,
    REGION_NAMES,
    SENIOR,
    TWELVE,
    YEARS,
    Schools,
    rng,
    school_year,
)

Line = list[xlsx.Cell]
Change = Callable[[Line], None]
# Share of myopic pupils by grade 1 to 12 in 2023; it falls by half a point a year.
MYOPIA = (0.16, 0.22, 0.30, 0.38, 0.46, 0.53, 0.60, 0.67, 0.72, 0.76, 0.79, 0.81)
SEMESTERS = ("秋季学期", "春季学期")
# The county that has not screened in the spring of the latest year yet.
LATE_REGION = 5
SCREEN_HEADER = (
    ["学期", "学校标识码", "学校名称", "年级", "筛查人数", "近视人数", None, None, None],
    [None, None, None, None, None, "合计", "轻度", "中度", "高度"],
)
SCREEN_MERGES = ("A1:I1", "A2:A3", "B2:B3", "C2:C3", "D2:D3", "E2:E3", "F2:I2")
SERVICE_HEADER = ["学期", "学校标识码", "学校名称", "学段", "在校生数", "参加人数", "服务周次"]
GOVERNANCE_HEADER = (
    ["县(市、区)", "学校标识码", "学校名称", "党组织领导的校长负责制", None, "心理健康教师", None],
    [None, None, None, "是否具备建立条件", "是否已建立", "专职", "兼职"],
)
GOVERNANCE_MERGES = ("A1:G1", "A2:A3", "B2:B3", "C2:C3", "D2:E2", "F2:G2")


def set_cell(column: int, value: Callable[[Line], xlsx.Cell]) -> Change:
    """Return a change that puts `value` of the row into its cell `column`."""

    def change(row: Line) -> None:
        row[column] = value(row)

    return change


def unknown_code(column: int) -> Change:
    """Return a change that names a school nobody has registered."""
    return set_cell(column, lambda row: f"{str(row[column])[:4]}99{str(row[column])[6:]}")


def _add(row: Line, column: int, more: int) -> int:
    return int(row[column] or 0) + more


def write_region(
    out: Path, schools: Schools, pupils: people.RegionPupils, region: int, seed: int
) -> list[Entry]:
    """Write the screening and the after-school workbooks of a region, one a school year."""
    entries: list[Entry] = []
    for year in YEARS:
        entries += _eyesight(out, schools, pupils, region, year, seed)
        entries += _after_school(out, schools, pupils, region, year, seed)
    return entries


def _plant(
    g: np.random.Generator,
    lines: list[Line],
    kinds: tuple[tuple[str, str, str, Change], ...],
    turn: int,
) -> list[tuple[int, str, str, str]]:
    """Spoil one row a kind (small files: one kind, by turns); return line, column, slug, rule."""
    if len(lines) < 400:
        kinds = (kinds[turn // 2 % len(kinds)],) if turn % 2 == 0 else ()
    victims = g.permutation(len(lines))[: len(kinds)]
    notes = []
    for victim, (slug, rule, column, change) in zip(victims, kinds, strict=True):
        change(lines[int(victim)])
        notes.append((int(victim), column, slug, rule))
    return notes


EYE_KINDS: tuple[tuple[str, str, str, Change], ...] = (
    ("eye-school-unknown", "EYE-001", "school_code", unknown_code(1)),
    ("eye-myopia-above-screened", "EYE-002", "myopia", set_cell(5, lambda r: _add(r, 4, 3))),
    ("eye-degrees-not-total", "EYE-003", "myopia_high", set_cell(8, lambda r: _add(r, 8, 2))),
    (
        "eye-grade-unknown",
        "EYE-COD-grade",
        "grade",
        set_cell(3, lambda r: str(r[3]).replace("年级", "")),
    ),
)


def _eyesight(
    out: Path, schools: Schools, pupils: people.RegionPupils, region: int, year: int, seed: int
) -> list[Entry]:
    g = rng(seed, 80, region, year)
    period, y = school_year(year), year - YEARS[0]
    file = f"视力监测/{period}/{REGION_CODES[region]}_{REGION_NAMES[region]}_视力监测.xlsx"
    heads = pupils.counts[year].enrolment[:, :, 0, 0]
    sheets, entries = [], []
    for number, semester in enumerate(SEMESTERS):
        if number and year == YEARS[-1] and region == LATE_REGION:
            continue
        lines: list[Line] = []
        for local, i in enumerate(pupils.ids):
            if schools.kind_y[i, y] > SENIOR or not schools.listed(year)[i]:
                continue
            if g.random() < 0.02:  # sent nothing this semester
                continue
            town = 0.03 if schools.urban[i] in ("111", "112", "121") else -0.03
            for grade in range(12):
                enrolled = int(heads[local, grade])
                if not enrolled:
                    continue
                screened = enrolled - int(g.binomial(enrolled, 0.02))
                rate = MYOPIA[grade] + town - 0.005 * y + 0.004 * number
                myopia = int(g.binomial(screened, rate))
                if screened >= 30 and grade >= 6:
                    myopia = max(myopia, 1)
                high = int(g.binomial(myopia, 0.03 + 0.012 * grade))
                moderate = int(g.binomial(myopia - high, 0.3))
                lines.append(
                    [
                        semester,
                        schools.code_y[i][y],
                        schools.name_y[i][y],
                        people.GRADES[grade],
                        screened,
                        myopia,
                        myopia - high - moderate,
                        moderate,
                        high,
                    ]
                )
        notes = _plant(g, lines, EYE_KINDS, region + 3 * y + number)
        entries += [
            Entry("eyesight", period, file, semester, at + 4, column, slug, rule)
            for at, column, slug, rule in notes
        ]
        total: Line = ["合计", None, None, None]
        total += [sum(int(line[k] or 0) for line in lines) for k in range(4, 9)]
        if (year, region, number) == (2024, 4, 0):  # the sum misses a school
            total[4] = _add(total, 4, -37)
            entries.append(
                Entry(
                    "eyesight",
                    period,
                    file,
                    semester,
                    len(lines) + 4,
                    "screened",
                    "eye-sum-row",
                    "LND-022",
                )
            )
        title = f"{REGION_NAMES[region]}{period}学年{semester}学生视力监测汇总表"
        body = xlsx.rows_xml([[title], *SCREEN_HEADER, *lines, total])
        sheets.append(xlsx.Sheet(semester, body, SCREEN_MERGES))
    xlsx.write_workbook(out / file, sheets)
    return entries


AFTER_KINDS: tuple[tuple[str, str, str, Change], ...] = (
    ("afs-more-than-pupils", "AFS-002", "participants", set_cell(5, lambda r: _add(r, 4, 6))),
    (
        "afs-number-as-text",
        "AFS-TYP-participants",
        "participants",
        set_cell(5, lambda r: f"约{r[5]}人"),
    ),
    ("afs-weeks", "AFS-003", "weeks", set_cell(6, lambda r: "整学期")),
    ("afs-school-unknown", "AFS-001", "school_code", unknown_code(1)),
)


def _after_school(
    out: Path, schools: Schools, pupils: people.RegionPupils, region: int, year: int, seed: int
) -> list[Entry]:
    g = rng(seed, 81, region, year)
    period, y = school_year(year), year - YEARS[0]
    file = f"课后服务/{period}/{REGION_CODES[region]}_{REGION_NAMES[region]}_课后服务.xlsx"
    heads = pupils.counts[year].enrolment[:, :, 0, 0]
    sheets, entries = [], []
    for number, (semester, short) in enumerate(zip(SEMESTERS, ("秋", "春"), strict=True)):
        lines: list[Line] = []
        for local, i in enumerate(pupils.ids):
            if schools.kind_y[i, y] >= SENIOR or not schools.listed(year)[i]:
                continue
            if g.random() < 0.03:
                continue
            base = 0.94 if schools.urban[i] in ("111", "112", "121") else 0.86
            for stage, first, last in (("小学", 0, 6), ("初中", 6, 9)):
                enrolled = int(heads[local, first:last].sum())
                if not enrolled:
                    continue
                rate = min(0.99, base + 0.012 * y + 0.006 * number + g.normal(0, 0.02))
                weeks = int(g.integers(16, 20))
                lines.append(
                    [
                        semester,
                        schools.code_y[i][y],
                        schools.name_y[i][y],
                        stage,
                        enrolled,
                        max(1, int(g.binomial(enrolled, rate))),
                        f"{weeks}周" if i % 3 == 0 else weeks,
                    ]
                )
        sheet = f"{year + number}{short}"
        notes = _plant(g, lines, AFTER_KINDS, region + 3 * y + number)
        entries += [
            Entry("after_school", period, file, sheet, at + 4, column, slug, rule)
            for at, column, slug, rule in notes
        ]
        sums = [sum(v for row in lines if isinstance(v := row[k], int)) for k in (4, 5)]
        rows: list[Line] = [
            [f"{REGION_NAMES[region]}{year + number}年{semester}课后服务工作台账"],
            ["填报单位:", REGION_NAMES[region], None, None, None, None, "单位:人、周"],
            list(SERVICE_HEADER),
            *lines,
            ["合计", None, None, None, *sums],
            ["注:参加人数为期末登记人数,同一学生参加多个项目只计一次。"],
        ]
        sheets.append(xlsx.Sheet(sheet, xlsx.rows_xml(rows), ("A1:G1",)))
    xlsx.write_workbook(out / file, sheets)
    return entries


GOVERNANCE_KINDS: tuple[tuple[str, str, str, Change], ...] = (
    ("gov-school-unknown", "GOV-001", "school_code", unknown_code(1)),
    ("gov-counsellors-negative", "GOV-003", "counsellors_part_time", set_cell(6, lambda r: -1)),
)


def write_governance(out: Path, schools: Schools, seed: int) -> list[Entry]:
    """Write the city's ledger of school governance, the county in one merged cell."""
    entries: list[Entry] = []
    fate = rng(seed, 82).random((len(schools), 3))
    for year in YEARS:
        g, y = rng(seed, 83, year), year - YEARS[0]
        period = school_year(year)
        file = f"学校工作台账/{period}/梧州市_工作台账.xlsx"
        listed = schools.listed(year)
        lines: list[Line] = []
        merges = list(GOVERNANCE_MERGES)
        for region in range(COUNTIES + 1):
            first = len(lines)
            kinds = (PRIMARY, JUNIOR, NINE, COMPLETE, TWELVE, SENIOR)
            for i in np.flatnonzero(listed & (schools.region == region)):
                if schools.kind_y[i, y] not in kinds or fate[i, 2] < 0.015:
                    continue
                # small village schools have no party branch of their own
                due = fate[i, 0] < (0.82 if schools.urban[i] in ("210", "220") else 0.97)
                public = schools.organiser[i] != "999"
                led = due and public and fate[i, 1] < (0.74, 0.89, 0.97)[y]
                upper = int(schools.kind_y[i, y] != PRIMARY)
                cared = fate[i, 1] < ((0.70, 0.79, 0.88), (0.88, 0.93, 0.97))[upper][y]
                full = int(cared) * upper
                lines.append(
                    [
                        None,
                        schools.code_y[i][y],
                        schools.name_y[i][y],
                        "是" if due else "否",
                        "是" if led else "否",
                        full or None,
                        int(cared) if not full else "-",
                    ]
                )
            if len(lines) > first:
                lines[first][0] = REGION_NAMES[region]
                if len(lines) > first + 1:
                    merges.append(f"A{first + 4}:A{len(lines) + 3}")
        notes = _plant(g, lines, GOVERNANCE_KINDS, 2 * y)
        spoilt = {at for at, *_ in notes}
        odd = [k for k, row in enumerate(lines) if row[3] == "否" and k not in spoilt]
        if odd:
            lines[odd[0]][4] = "是"
            notes.append((odd[0], "is_party_led", "gov-led-without-conditions", "GOV-002"))
        entries += [
            Entry("school_governance", period, file, "台账", at + 4, column, slug, rule)
            for at, column, slug, rule in notes
        ]
        rows: list[Line] = [
            [f"梧州市{period}学年中小学校工作台账"],
            *GOVERNANCE_HEADER,
            *lines,
            ["备注:教学点随中心校填报,不单列。"],
        ]
        xlsx.write_workbook(out / file, [xlsx.Sheet("台账", xlsx.rows_xml(rows), tuple(merges))])
    return entries
