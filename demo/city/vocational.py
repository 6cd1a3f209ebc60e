"""Vocational schools: programmes, the industry directory, teachers and monitored conditions.

Programme codes begin with 99, a category the national list does not have; industry chains,
items and standards are invented and say so in the files: none is a published figure.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from demo.city import xlsx
from demo.city.ledger import Entry
from demo.city.world import SENIOR, VOC, YEARS, Schools, rng, school_year

if TYPE_CHECKING:
    from demo.city.build import RegionResult

PROGRAMMES = (
    "汽车运用与维修",
    "机电技术应用",
    "电子商务",
    "计算机应用",
    "护理",
    "幼儿保育",
    "会计事务",
    "旅游服务与管理",
    "中餐烹饪",
    "建筑工程施工",
    "新能源汽车维修",
    "智能设备运维",
    "物流服务与管理",
    "园林技术",
)
# Chain -> programmes by their place in PROGRAMMES.
CHAINS = (
    ("演示产业链甲(装备与汽车)", (0, 1, 10, 11)),
    ("演示产业链乙(数字与商贸)", (2, 3, 11, 12)),
    ("演示产业链丙(健康与文旅)", (4, 7, 8)),
)
# Item, unit, sign, standard of the demo, usual value and its spread.
ITEMS = (
    ("生均占地面积", "平方米", "≥", 30.0, 41.0, 6.0),
    ("生均校舍建筑面积", "平方米", "≥", 18.0, 24.0, 3.5),
    ("学生与专任教师之比", "", "≤", 22.0, 18.5, 2.0),
    ("双师型专任教师比例", "%", "不低于", 40.0, 52.0, 6.0),
    ("生均教学仪器设备值", "元", "≥", 2800.0, 3900.0, 600.0),
    ("生均图书", "册", "", 25.0, 31.0, 3.5),
)
Line = list[xlsx.Cell]


def pick_teachers(frame: pl.DataFrame, spoilt: set[int]) -> list[tuple[str, str, str, str]]:
    """Return number, name, school code and school of vocational teachers whose rows are clean."""
    wanted = (
        (pl.col("teaching_stage") == "中等职业教育")
        & (pl.col("staff_type") == "专任教师")
        & (pl.col("post_status") != "退休")
        & ~pl.col("_row").is_in(list(spoilt))
    )
    clean = frame.with_row_index("_row").filter(wanted)
    return list(clean.select("teacher_no", "name", "school_code", "school_name").iter_rows())


def programme_code(index: int) -> str:
    """Return the invented code of a programme, six digits."""
    return f"99{index + 1:04d}"


def write_vocational(
    out: Path, schools: Schools, regions: list[RegionResult], seed: int
) -> list[Entry]:
    """Write the four vocational sources of three school years."""
    entries = write_directory(out)
    for year in YEARS:
        here = np.flatnonzero(schools.listed(year) & (schools.kind == VOC))
        entries += write_programmes(out, schools, here, regions, year, seed)
        entries += write_conditions(out, schools, here, year, seed)
        entries += write_teachers(out, regions, year, seed)
    return entries


def write_directory(out: Path) -> list[Entry]:
    """Write the city's directory: one row a chain and programme."""
    file = "产业目录/重点产业链专业目录.csv"
    lines = ["产业链,专业代码,专业名称,备注"]
    lines += [
        f"{chain},{programme_code(i)},{PROGRAMMES[i]},演示数据，不是梧州市公布的目录"
        for chain, programmes in CHAINS
        for i in programmes
    ]
    lines.append(
        f"演示产业链甲、演示产业链乙,{programme_code(13)},{PROGRAMMES[13]},两条产业链写在一格"
    )
    lines.append(f"演示产业链丙(健康与文旅),99006,{PROGRAMMES[5]},代码少一位")
    path = out / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(("\n".join(lines) + "\n").encode("gb18030"))
    return [
        Entry("industry_directory", "all", file, "", row, column, slug, rule)
        for row, column, slug, rule in (
            (len(lines) - 1, "chain", "ind-two-chains", "IND-002"),
            (len(lines), "programme_code", "ind-code-short", "IND-001"),
        )
    ]


def _merges(groups: list[int], first: int) -> tuple[str, ...]:
    """Return the vertical merges of code and name for groups of rows."""
    out, row = [], first
    for size in groups:
        if size > 1:
            out += [f"{letter}{row}:{letter}{row + size - 1}" for letter in "AB"]
        row += size
    return tuple(out)


def _write(
    out: Path, file: str, sheet: str, head: list[Line], groups: list[list[Line]], note: str = ""
) -> None:
    """Write rows grouped by school; code and name stand once a group, merged."""
    shown = [
        line if n == 0 else [None, None, *line[2:]]
        for group in groups
        for n, line in enumerate(group)
    ]
    last = xlsx.column_letter(len(head[-1]) - 1)
    merges = (f"A1:{last}1", *_merges([len(g) for g in groups], len(head) + 1))
    body = xlsx.rows_xml([*head, *shown, *([[note]] if note else [])])
    xlsx.write_workbook(out / file, [xlsx.Sheet(sheet, body, merges)])


def write_programmes(
    out: Path,
    schools: Schools,
    here: np.ndarray[tuple[int], np.dtype[np.int64]],
    regions: list[RegionResult],
    year: int,
    seed: int,
) -> list[Entry]:
    """Write the programmes each vocational school has filed."""
    period, y = school_year(year), year - YEARS[0]
    file = f"中职专业备案/{period}/中职专业设置备案表.xlsx"
    on_roll = {int(s): int(r.pupils[year][k, 4]) for r in regions for k, s in enumerate(r.ids)}
    groups: list[list[Line]] = []
    for i in here:
        g = rng(seed, 50, int(i))  # the same programmes every year
        chosen = sorted(
            int(c) for c in g.choice(len(PROGRAMMES), int(g.integers(5, 9)), replace=False)
        )
        opened = [int(v) for v in g.integers(2001, 2023, len(chosen))]
        share = g.dirichlet(np.full(len(chosen) - 1, 6.0))
        counts = [int(v) for v in share * on_roll[int(i)] * 0.97]
        code, name = schools.code_y[i][y], schools.name_y[i][y]
        group: list[Line] = [
            [code, name, programme_code(c), PROGRAMMES[c], opened[n], max(1, counts[n]), "在办"]
            for n, c in enumerate(chosen[:-1])
        ]
        c = chosen[-1]  # on its way out: no entrants, then withdrawn
        left = max(2, on_roll[int(i)] - sum(counts)) if year < YEARS[2] else 0
        status = "停招" if left else "撤销"
        group.append(
            [code, name, programme_code(c), PROGRAMMES[c], opened[-1], left or "-", status]
        )
        groups.append(group)
    entries: list[Entry] = []
    starts = np.cumsum([3, *[len(g) for g in groups]])

    def note(at: int, row: int, column: str, slug: str, rule: str) -> None:
        entries.append(
            Entry(
                "voc_programmes",
                period,
                file,
                "专业备案",
                int(starts[at]) + row,
                column,
                slug,
                rule,
            )
        )

    groups[0][0][5] = 0
    note(0, 0, "enrolment", "vpr-operating-without-students", "VPR-004")
    groups[0][1][4] = year + 2
    note(0, 1, "opened_year", "vpr-opened-later", "VPR-006")
    groups[-1][-1][6], groups[-1][-1][5] = "撤销", 7
    note(len(groups) - 1, len(groups[-1]) - 1, "status", "vpr-withdrawn-with-students", "VPR-005")
    if int(starts[-1]) > 20:
        groups[1][1][2] = str(groups[1][1][2])[:5]
        note(1, 1, "programme_code", "vpr-code-short", "VPR-003")
    seniors = np.flatnonzero(schools.listed(year) & (schools.kind == SENIOR))
    s = int(seniors[-1])
    line: Line = [schools.code_y[s][y], schools.name_y[s][y], programme_code(5), PROGRAMMES[5]]
    note(len(groups), 0, "school_code", "vpr-school-not-vocational", "VPR-002")
    groups.append([[*line, 2015, 36, "在办"]])
    head: list[Line] = [
        ["梧州市中等职业学校专业设置备案表"],
        ["★学校标识码", "学校名称", "★专业代码", "★专业名称", "开设年份", "在校生数", "★状态"],
    ]
    _write(out, file, "专业备案", head, groups)
    return entries


def write_conditions(
    out: Path,
    schools: Schools,
    here: np.ndarray[tuple[int], np.dtype[np.int64]],
    year: int,
    seed: int,
) -> list[Entry]:
    """Write what each school has of each monitored item; conditions improve over the years."""
    period, y = school_year(year), year - YEARS[0]
    file = f"中职办学条件/{period}/办学条件监测台账.xlsx"
    groups: list[list[Line]] = []
    for i in here:
        draw = rng(seed, 51, int(i)).normal(0, 1, len(ITEMS))
        group: list[Line] = []
        for k, (item, unit, sign, standard, usual, spread) in enumerate(ITEMS):
            better = -1 if sign == "≤" else 1
            value = round(usual + spread * (draw[k] + better * 0.35 * (y - 2)), 1)
            met = value <= standard if sign == "≤" else value >= standard
            label = f"{item}({unit})" if unit else item
            group.append(
                [schools.code_y[i][y], schools.name_y[i][y], label, value, f"{sign}{standard:g}",
                 "是" if met else "否"]
            )  # fmt: skip
        groups.append(group)
    entries: list[Entry] = []

    def note(school: int, row: int, column: str, slug: str, rule: str) -> None:
        at = 3 + school * len(ITEMS) + row
        entries.append(Entry("voc_conditions", period, file, "监测台账", at, column, slug, rule))

    wrong = groups[0][1]
    wrong[5] = "否" if wrong[5] == "是" else "是"
    note(0, 1, "is_met", "vco-flag-contradicts", "VCO-003")
    groups[0][3][4] = "按规划执行"
    note(0, 3, "standard", "vco-standard-without-number", "VCO-004")
    groups[-1][5][3] = None
    note(len(groups) - 1, 5, "value", "vco-value-blank", "VCO-005")
    head: list[Line] = [
        ["梧州市中等职业学校办学条件监测台账"],
        ["学校标识码", "学校名称", "监测项目", "现值", "标准", "是否达标"],
    ]
    _write(out, file, "监测台账", head, groups, "注:标准为演示用数值,不是任何文件规定的标准。")
    return entries


def write_teachers(out: Path, regions: list[RegionResult], year: int, seed: int) -> list[Entry]:
    """Write the list of vocational teachers with their recognition as dual-qualified."""
    period = school_year(year)
    file = f"中职教师/{period}/专业课教师名册.xlsx"
    rows: list[Line] = []
    for r in regions:
        for teacher_no, name, school_code, school_name in r.voc_teachers[year]:
            # Drawn from the number, so that a teacher keeps the recognition over the years.
            u = rng(seed, 52, int(teacher_no[1:])).random(4)
            special, since = u[0] < 0.62, 2020 + int(u[1] * 5)
            held = special and u[2] < 0.66 and since < year
            level = ("初级", "中级", "高级")[int(u[3] * 2.4)] if held else "无"
            rows.append(
                [teacher_no, name, school_code, school_name, "是" if special else "否", level,
                 f"{since}1201" if held else None, f"{since + 6}1130" if held else None]
            )  # fmt: skip
    entries: list[Entry] = []

    def note(k: int, column: str, slug: str, rule: str) -> None:
        entries.append(Entry("voc_teachers", period, file, "名册", k + 3, column, slug, rule))

    rows[0][4:8] = ["是", "中级", None, f"{year + 3}1130"]
    note(0, "recognised_on", "vte-level-without-date", "VTE-003")
    rows[1][4:8] = ["是", "高级", "20140901", "20200831"]
    note(1, "valid_to", "vte-recognition-lapsed", "VTE-004")
    rows[2][4:8] = ["否", "初级", "20221201", f"{year + 3}1130"]
    note(2, "is_special", "vte-dual-without-profession", "VTE-006")
    rows[3][0] = f"T{990000000 + year}"
    note(3, "teacher_no", "vte-teacher-unknown", "VTE-007")
    if len(rows) >= 24:
        note(4, "teacher_no", "vte-teacher-twice", "VTE-KEY")
        note(len(rows), "teacher_no", "vte-teacher-twice", "VTE-KEY")
        rows.append(list(rows[4]))
    body = xlsx.rows_xml(
        [
            ["中等职业学校专业课教师名册"],
            ["★教师编号", "★姓名", "★学校标识码", "学校名称", "★是否专业课教师", "双师认定等级",
             "认定日期", "有效期至"],
            *rows,
        ]
    )  # fmt: skip
    xlsx.write_workbook(out / file, [xlsx.Sheet("名册", body, ("A1:H1",))])
    return entries
