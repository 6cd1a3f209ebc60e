"""Students and teachers who move between schools; children with disabilities and their schools."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from demo.city import xlsx
from demo.city.ledger import Entry
from demo.city.world import (
    COMPLETE,
    COUNTIES,
    JUNIOR,
    NINE,
    POINT,
    PRIMARY,
    REGION_CODES,
    REGION_NAMES,
    SENIOR,
    TWELVE,
    VOC,
    YEARS,
    Schools,
    rng,
    school_year,
)

if TYPE_CHECKING:
    from demo.city.build import RegionResult

Line = list[xlsx.Cell]
Mover = tuple[str, str, str, str, str]  # 学籍号, name, school code, school name, first two of grade
MOVER_COLUMNS = ("student_no", "name", "school_code", "school_name", "grade")


def pick_movers(g: np.random.Generator, frame: pl.DataFrame, spoilt: set[int]) -> list[Mover]:
    """Pick students whose rows are clean: about 3 in 1000 of each kind, at least 6 if there are."""
    out: list[Mover] = []
    for kind in ("高中", "中职"):
        mask = frame["grade"].str.starts_with(kind) & (frame["status"] == "在读")
        options = [i for i in np.flatnonzero(mask.to_numpy()) if int(i) not in spoilt]
        if not options:
            continue
        count = min(len(options), max(6, round(len(options) * 0.003)))
        chosen = np.sort(g.choice(np.array(options), count, replace=False))
        rows = frame[[int(i) for i in chosen]].select(MOVER_COLUMNS).rows()
        out += [(no, name, code, school, kind) for no, name, code, school, _ in rows]
    return out


def write_mobility(
    out: Path, schools: Schools, regions: list[RegionResult], seed: int
) -> list[Entry]:
    """Write transfers, teacher rotation and the enrolment of disabled children."""
    entries: list[Entry] = []
    for year in YEARS:
        entries += write_transfers(out, schools, regions, year, seed)
        entries += write_rotation(out, schools, regions, year, seed)
        entries += write_disability(out, regions, year, seed)
    return entries


def write_transfers(
    out: Path, schools: Schools, regions: list[RegionResult], year: int, seed: int
) -> list[Entry]:
    """Write the year's 职普融通 list: applications of autumn, most completed in winter."""
    period, y = school_year(year), year - YEARS[0]
    file = f"学籍异动/{period}/职普融通学籍异动.xlsx"
    g = rng(seed, 53, year)
    listed = schools.listed(year)
    to = {
        "高中": np.flatnonzero(listed & (schools.kind == VOC)),
        "中职": np.flatnonzero(listed & np.isin(schools.kind, (SENIOR, COMPLETE, TWELVE))),
    }
    rows: list[Line] = []
    for student_no, name, code, school, kind in [m for r in regions for m in r.movers[year]]:
        target = int(g.choice(to[kind]))
        applied = date(year, 10, 8) + timedelta(days=int(g.integers(0, 120)))
        done = applied + timedelta(days=int(g.integers(15, 60)))
        status = str(g.choice(["已完成", "审核中", "不同意", "已撤回"], p=[0.88, 0.05, 0.04, 0.03]))
        rows.append(
            [student_no, name, code, school, schools.code_y[target][y], schools.name_y[target][y],
             "普高转中职" if kind == "高中" else "中职转普高", f"{applied:%Y%m%d}",
             f"{done:%Y%m%d}" if status == "已完成" else None, status]
        )  # fmt: skip
    entries: list[Entry] = []
    free = [k for k, row in enumerate(rows) if row[9] == "已完成"]
    free = [free[int(n)] for n in g.permutation(len(free))]

    def note(k: int, column: str, slug: str, rule: str) -> None:
        entries.append(Entry("transfers", period, file, "职普融通", k + 3, column, slug, rule))

    def spoil(column: int, name: str, value: xlsx.Cell, slug: str, rule: str) -> None:
        k = free.pop()
        rows[k][column] = value
        note(k, name, slug, rule)

    turned = {"普高转中职": "中职转普高", "中职转普高": "普高转中职"}
    many = len(rows) >= 60  # one critical defect a year in a small list
    if many or y == 0:
        k = free[-1]
        spoil(6, "direction", turned[str(rows[k][6])], "trf-direction-wrong", "TRF-001")
    if many or y == 1:
        k = free[-1]
        spoil(4, "to_school_code", f"{str(rows[k][4])[:4]}998877", "trf-school-unknown", "TRF-002")
    if many or y == 2:
        k = free[-1]
        spoil(4, "to_school_code", rows[k][2], "trf-same-school", "TRF-003")
    spoil(8, "completed_on", None, "trf-completed-without-date", "TRF-005")
    spoil(8, "completed_on", f"{year + 1}1015", "trf-completed-later", "TRF-007")
    k = free[-1]
    spoil(0, "student_no", f"G4504992009010{1000 + year}X", "trf-student-unknown", "TRF-008")
    k = free.pop()
    back = list(rows[k])
    back[2:6] = [*rows[k][4:6], *rows[k][2:4]]
    back[6:10] = [turned[str(back[6])], f"{year + 1}0420", None, "审核中"]
    note(k, "student_no", "trf-both-ways", "TRF-004")
    note(len(rows), "student_no", "trf-both-ways", "TRF-004")
    rows.append(back)
    body = xlsx.rows_xml(
        [
            [f"梧州市{period}学年职普融通学籍异动"],
            ["★学籍号", "★姓名", "★转出学校标识码", "转出学校", "★转入学校标识码", "转入学校",
             "★异动方向", "申请日期", "学籍变更完成日期", "★状态"],
            *rows,
        ]
    )  # fmt: skip
    xlsx.write_workbook(out / file, [xlsx.Sheet("职普融通", body, ("A1:J1",))])
    return entries


def write_rotation(
    out: Path, schools: Schools, regions: list[RegionResult], year: int, seed: int
) -> list[Entry]:
    """Write a workbook a region: eligible teachers, those who rotated, of them backbone."""
    period, y = school_year(year), year - YEARS[0]
    entries: list[Entry] = []
    for r in regions:
        g = rng(seed, 54, r.region, year)
        kind = schools.kind_y[r.ids, y]
        teachers = np.nan_to_num(r.tables[year]["4149"][:, 0, 1]).astype(int)
        here = np.flatnonzero(
            (teachers > 0) & np.isin(kind, (PRIMARY, POINT, JUNIOR, NINE, COMPLETE, TWELVE))
        )
        eligible = (teachers[here] * g.uniform(0.25, 0.4, len(here))).astype(int)
        rotated = g.binomial(eligible, 0.085 + 0.012 * y)
        backbone = g.binomial(rotated, 0.22)
        rows: list[Line] = [
            [schools.code_y[s][y], schools.name_y[s][y], int(e), int(n), int(b) if n else None]
            for s, e, n, b in zip(r.ids[here], eligible, rotated, backbone, strict=True)
        ]
        code, name = REGION_CODES[r.region], REGION_NAMES[r.region]
        file = f"交流轮岗/{period}/{code}_{name}_交流轮岗.xlsx"

        def note(k: int, column: str, slug: str, rule: str, file: str = file) -> None:
            entries.append(
                Entry("teacher_rotation", period, file, "交流轮岗", k + 4, column, slug, rule)
            )

        if r.region == (y + 1) % 8:
            rows[0][3] = int(str(rows[0][2])) + 2
            rows[0][4] = 1
            note(0, "rotated", "rot-more-than-eligible", "ROT-001")
        if r.region == (y + 3) % 8:
            rows[0][2:5] = [9, 3, 5]
            note(0, "rotated_backbone", "rot-backbone-more-than-rotated", "ROT-002")
        if r.region == (y + 4) % 8:
            rows[0][0] = f"{str(rows[0][0])[:4]}998866"
            note(0, "school_code", "rot-school-unknown", "ROT-003")
        if r.region == (y + 5) % 8:
            rows[0][2:5] = [9, 3, None]
            note(0, "rotated_backbone", "rot-backbone-blank", "ROT-005")
        sums = [sum(int(row[c] or 0) for row in rows) for c in (2, 3, 4)]
        if r.region == (y + 6) % 8:
            sums[0] += 10
            note(len(rows), "eligible", "rot-total-wrong", "LND-022")
        body = xlsx.rows_xml(
            [
                [f"{name}义务教育学校校长教师交流轮岗台账({period}学年)"],
                ["学校标识码", "学校名称", "符合交流条件教师数", "实际交流轮岗教师数", None],
                [None, None, None, "计", "其中:骨干教师"],
                *rows,
                ["合计", None, *sums],
            ]
        )
        merges = ("A1:E1", "A2:A3", "B2:B3", "C2:C3", "D2:E2")
        xlsx.write_workbook(out / file, [xlsx.Sheet("交流轮岗", body, merges)])
    return entries


def write_disability(out: Path, regions: list[RegionResult], year: int, seed: int) -> list[Entry]:
    """Write the counties' children with disabilities and where they are enrolled."""
    period, y = school_year(year), year - YEARS[0]
    file = f"残联/{period}/适龄残疾儿童少年入学情况.xlsx"
    rows: list[Line] = []
    entries: list[Entry] = []
    for r in regions[:COUNTIES]:
        g = rng(seed, 55, r.region)
        per_mille, parts = g.uniform(5.2, 6.6), g.dirichlet((38, 4, 45, 13))
        children = max(12, round(float(r.ages[year].sum()) * per_mille / 1000))
        enrolled = round(children * (0.935 + 0.012 * y + g.uniform(0, 0.02)))
        counts = [int(v) for v in np.floor(parts * enrolled)]
        counts[2] += enrolled - sum(counts)
        rows.append([REGION_NAMES[r.region], children, enrolled, *counts])
    victim = (5, 3, 1)[y]
    if y < 2:
        rows[victim][6] = int(str(rows[victim][6])) + 3
        slug, rule, column = "dis-parts-not-total", "DIS-002", "enrolled"
    else:
        more = int(str(rows[victim][1])) + 4 - int(str(rows[victim][2]))
        rows[victim][2] = int(str(rows[victim][2])) + more
        rows[victim][5] = int(str(rows[victim][5])) + more
        slug, rule, column = "dis-more-than-children", "DIS-003", "enrolled"
    entries.append(Entry("disability", period, file, "入学情况", victim + 4, column, slug, rule))
    body = xlsx.rows_xml(
        [
            [f"梧州市适龄残疾儿童少年入学情况({period}学年)"],
            ["县(市、区)", "适龄残疾儿童少年数", "入学数", None, None, None, None],
            [None, None, "合计", "特殊教育学校", "特教班", "随班就读", "送教上门"],
            *rows,
            ["合计", *[sum(int(str(row[c])) for row in rows) for c in range(1, 7)]],
            ["注:合成演示数据;适龄残疾儿童少年数为残联口径。"],
        ]
    )
    merges = ("A1:G1", "A2:A3", "B2:B3", "C2:G2")
    xlsx.write_workbook(out / file, [xlsx.Sheet("入学情况", body, merges)])
    return entries
