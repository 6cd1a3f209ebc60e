"""The 教基 forms: their tables from pupils and staff, and the workbooks that carry them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from demo.city import world, xlsx
from demo.city.people import FLAGS, Ints, RegionPupils, cohort_size
from demo.city.staff import COURSES, DEGREES, RegionStaff
from demo.city.world import (
    COMPLETE,
    COUNTIES,
    JUNIOR,
    KG,
    NINE,
    POINT,
    PRIMARY,
    TWELVE,
    YEARS,
    Schools,
    rng,
)

BANDS = (
    "25人及以下",
    "26-30人",
    "31-35人",
    "36-40人",
    "41-45人",
    "46-50人",
    "51-55人",
    "56-60人",
    "61-65人",
    "66人及以上",
)
BAND_TOP = np.array([25, 30, 35, 40, 45, 50, 55, 60, 65, 10_000])
KG_BANDS = ("20人及以下", "21-25人", "26-30人", "31-35人", "36人及以上")
KG_TOP = np.array([20, 25, 30, 35, 10_000])
_CLASS_HEAD = ("班数", *BANDS)


@dataclass(frozen=True)
class Form:
    """Layout of one 教基 form: two header levels, row names and row codes."""

    code: str
    title: str
    unit: str
    top: tuple[str, ...]  # first header row ('' continues the cell to the left)
    sub: tuple[str, ...]  # second header row, empty tuple when there is only one
    rows: tuple[str, ...]
    codes: tuple[str, ...]
    text_columns: tuple[tuple[str, ...], ...] = ()  # leading text columns (计量单位), one per row

    @property
    def first_data_row(self) -> int:
        """Return the sheet row (1-based) of the first data row."""
        return 6 if self.sub else 5

    @property
    def leaves(self) -> tuple[str, ...]:
        """Return the header label of each value column, levels joined by a slash."""
        out, above = [], ""
        for i, top in enumerate(self.top):
            above = top or above
            below = self.sub[i] if self.sub else ""
            out.append(f"{above}/{below}" if below else above)
        return tuple(out)


def _codes(n: int) -> tuple[str, ...]:
    return tuple(f"{i:02d}" for i in range(1, n + 1))


_ROWS_3115 = tuple(f for f in FLAGS if f != "#复式班")
_ROWS_5176 = (
    "占地面积",
    "#绿化用地面积",
    "运动场地面积",
    "室外游戏场地面积",
    "图书",
    "教学用终端",
    "网络多媒体教室",
    "固定资产总值",
    "#教学仪器设备资产值",
)
FORMS: dict[str, Form] = {
    f.code: f
    for f in (
        Form(
            "3112",
            "小学分类型学生数",
            "人",
            (
                "毕业生数",
                "招生数",
                "",
                "",
                "",
                "",
                "在校生数",
                "",
                "",
                "",
                "",
                "",
                "",
                "",
                "预计毕业生数",
            ),
            (
                "",
                "计",
                "未接受过学前教育",
                "接受一年",
                "接受两年",
                "接受三年",
                "计",
                "#女",
                "一年级",
                "二年级",
                "三年级",
                "四年级",
                "五年级",
                "六年级",
                "",
            ),
            FLAGS,
            _codes(10),
        ),
        Form(
            "3115",
            "初中分类型学生数",
            "人",
            ("毕业生数", "招生数", "在校生数", "", "", "", "", "", "预计毕业生数"),
            ("", "", "计", "#女", "一年级", "二年级", "三年级", "四年级", ""),
            _ROWS_3115,
            _codes(9),
        ),
        Form(
            "2105",
            "幼儿园班数、班额情况",
            "个、人",
            ("班数", "", "", "", "", "", "在园(班)人数", ""),
            ("计", *KG_BANDS, "计", "#女"),
            ("总计", "托班", "小班", "中班", "大班", "混合班"),
            _codes(6),
        ),
        Form(
            "2106",
            "小学班数、班额情况",
            "个",
            _CLASS_HEAD,
            (),
            ("总计", "一年级", "二年级", "三年级", "四年级", "五年级", "六年级", "复式班"),
            _codes(8),
        ),
        Form(
            "2107",
            "初中班数、班额情况",
            "个",
            _CLASS_HEAD,
            (),
            ("总计", "一年级", "二年级", "三年级"),
            _codes(4),
        ),
        Form(
            "4149",
            "中小学教职工数",
            "人",
            ("教职工数", "", "", "", "", "", "校外教师", "银龄教师"),
            ("计", "专任教师", "行政人员", "教辅人员", "工勤人员", "其他", "", ""),
            ("总计", "#女", "#少数民族", "#在编人员", "#外籍人员"),
            _codes(5),
        ),
        Form(
            "4155",
            "义务教育学校专任教师分课程、分学历情况",
            "人",
            ("合计", *COURSES),
            (),
            ("总计", "#女", *DEGREES),
            _codes(8),
        ),
        Form(
            "5170",
            "学校(机构)校舍情况",
            "平方米",
            ("学校产权校舍建筑面积", "", "", "非学校产权校舍建筑面积", ""),
            ("计", "#危房", "#当年新增", "独立使用", "共同使用"),
            (
                "总计",
                "教学及辅助用房",
                "#普通教室",
                "#专用教室",
                "#室内体育用房",
                "#幼儿活动用房",
                "行政办公用房",
                "生活用房",
                "其他用房",
            ),
            _codes(9),
        ),
        Form(
            "5176",
            "学校(机构)占地面积、资产及信息化建设情况",
            "见计量单位",
            ("计量单位", "学校产权", "非学校产权独立使用"),
            (),
            _ROWS_5176,
            ("01", "02", "07", "08", "12", "14", "17", "18", "19"),
            (("㎡", "㎡", "㎡", "㎡", "册", "台", "间", "万元", "万元"),),
        ),
    )
}

Key = tuple[int, str, str, int]  # school, sheet, row name, value column


@dataclass
class RegionForms:
    """All form tables of a region by year: (schools, rows, columns) per sheet key."""

    tables: dict[int, dict[str, NDArray[np.float64]]]
    children: dict[int, Ints]


def make_kindergartens(
    schools: Schools, region: int, scale: float, seed: int
) -> tuple[dict[int, Ints], dict[int, NDArray[np.float64]]]:
    """Return children per school (kindergartens and 附设班) and their form 2105 by year."""
    g = rng(seed, 5, region)
    here = np.flatnonzero(schools.region == region)
    is_kg = schools.kind[here] == KG
    attached = schools.attached_kg[here]
    noise = g.normal(0, 0.02, len(here))
    toddlers = is_kg & (g.random(len(here)) < 0.3)
    big = g.random(len(here)) < 0.10
    share = world.cohort_share(region)
    children: dict[int, Ints] = {}
    tables: dict[int, NDArray[np.float64]] = {}
    for year in YEARS:
        # ages 3, 4, 5 on 1 September reach school age three, two and one year later
        ages = np.array([world.COHORT[year + k] * scale * share for k in (3, 2, 1)])
        if region == COUNTIES:
            ages *= 0.75
        listed = schools.listed(year)[here] & (is_kg | attached)
        weight = (
            np.where(is_kg, schools.weight[here], 0.18) * np.exp(noise * (year - 2023)) * listed
        )
        weight = np.minimum(weight, weight[weight > 0].mean() * 3)
        room = 0.932 * ages.sum() * weight / weight.sum()
        table = np.zeros((len(here), 6, 8))
        gy = rng(seed, 6, region, year)
        for i in np.flatnonzero(listed):
            parts: list[int] = []
            for k in range(3):
                mean = room[i] * ages[k] / ages.sum()
                parts.append(max(1, round(mean * float(np.exp(gy.normal(0, 0.05))))))
            groups = [(1, 0), (2, parts[0]), (3, parts[1]), (4, parts[2]), (5, 0)]
            if toddlers[i] and room[i] > 90:
                groups[0] = (1, int(gy.integers(10, 20)))
            if attached[i] or sum(parts) < 18:
                groups = [(1, 0), (2, 0), (3, 0), (4, 0), (5, sum(parts))]
            for row, count in groups:
                if not count:
                    continue
                size = (20, 25, 30, 35, 30)[row - 1] + (3 if big[i] else 0)
                n = -(-count // size)
                sizes = np.full(n, count // n)
                sizes[: count % n] += 1
                bands = np.bincount(np.searchsorted(KG_TOP, sizes), minlength=5)
                female = int(round(count * 0.475 + gy.normal(0, 0.2) * np.sqrt(count)))
                table[i, row] = [n, *bands, count, min(max(female, 0), count)]
            table[i, 0] = table[i, 1:].sum(axis=0)
        children[year] = table[:, 0, 6].astype(np.int64) * is_kg
        tables[year] = table
    return children, tables


def _bands(sizes: Sequence[int]) -> NDArray[np.int64]:
    return np.bincount(np.searchsorted(BAND_TOP, np.asarray(sizes, dtype=np.int64)), minlength=10)


def make_forms(
    schools: Schools,
    pupils: RegionPupils,
    staff: RegionStaff,
    kindergarten: dict[int, NDArray[np.float64]],
    region: int,
    seed: int,
) -> RegionForms:
    """Return every form of every school of the region for the three years."""
    g = rng(seed, 7, region)
    here = pupils.ids
    n = len(here)
    kind = schools.kind[here]
    tables: dict[int, dict[str, NDArray[np.float64]]] = {}
    total_25 = pupils.counts[2025].enrolment[:, :, 0, 0].sum(axis=1)
    kids_25 = kindergarten[2025][:, 0, 6]
    for y in (2024, 2023):
        total_25 = np.where(
            total_25 > 0, total_25, pupils.counts[y].enrolment[:, :, 0, 0].sum(axis=1)
        )
        kids_25 = np.where(kids_25 > 0, kids_25, kindergarten[y][:, 0, 6])
    heads = np.maximum(total_25 + kids_25, 8)
    upper = np.isin(kind, (JUNIOR, COMPLETE, TWELVE, world.SENIOR, world.VOC))
    is_kg = kind == KG
    spread = np.exp(g.normal(0, 0.26, (n, 12)))
    small = np.clip((60 / heads) ** 0.25, 1, 1.8)  # small schools have more room per pupil
    teach = np.where(is_kg, 8.9, np.where(upper, 7.6, np.where(kind == NINE, 7.0, 6.2)))
    teaching = heads * teach * small * spread[:, 0]
    gym = np.where(g.random(n) < np.where(upper, 0.4, 0.12), heads * 0.5 * spread[:, 1], 0)
    classroom = np.where(is_kg, 0, (teaching - gym * 0.5) * 0.62)
    play = np.where(is_kg, heads * 8.9 * small * spread[:, 0], 0)
    teaching = np.where(is_kg, play * 1.12, teaching + gym)
    special_rooms = np.where(is_kg, 0, (teaching - gym - classroom) * 0.8)
    office = heads * 0.7 * spread[:, 2]
    living = heads * np.where(upper, 4.5, 1.6) * spread[:, 3]
    other = heads * 0.3 * spread[:, 4]
    sports = np.where(is_kg, 0, heads * np.where(upper, 11.2, 9.6) * small * spread[:, 5])
    outdoor = np.where(is_kg, heads * 4.9 * small * spread[:, 6], 0)
    green = heads * 2.2 * spread[:, 7]
    land = (sports + outdoor + green) * 1.15 + (teaching + office + living) * 0.6
    books = heads * np.where(is_kg, 9, 26) * spread[:, 8]
    computers = heads * np.where(is_kg, 0.03, 0.15) * spread[:, 9]
    screens = np.where(is_kg, 0, heads / 100 * np.where(upper, 2.9, 3.1) * small * spread[:, 10])
    gear = heads * np.where(upper, 3300.0, 2700.0) * small * spread[:, 11] / 10_000
    gear = np.where(is_kg, heads * 600 / 10_000 * spread[:, 11], gear)
    assets = gear * 3 + (teaching + office + living + other) * 0.16
    rented = g.random(n) < np.where(is_kg, 0.2, 0.03)
    danger = np.where(g.random(n) < 0.02, g.random(n) * 0.05, 0)

    for year in YEARS:
        listed = schools.listed(year)[here]
        count = pupils.counts[year]
        y = year - 2023
        kind_now = schools.kind_y[here, y]
        has_p = listed & np.isin(kind_now, (PRIMARY, POINT, NINE, TWELVE))
        has_j = listed & np.isin(kind_now, (JUNIOR, NINE, COMPLETE, TWELVE))
        e = count.enrolment
        t: dict[str, NDArray[np.float64]] = {}
        p = np.zeros((n, 10, 15))
        p[:, :, 0] = count.primary_graduates
        p[:, :, 1] = e[:, 0, :, 0]
        p[:, :, 2:6] = count.preschool
        p[:, :, 6] = e[:, :6, :, 0].sum(axis=1)
        p[:, :, 7] = e[:, :6, :, 1].sum(axis=1)
        p[:, :, 8:14] = e[:, :6, :, 0].transpose(0, 2, 1)
        p[:, :, 14] = e[:, 5, :, 0]
        t["3112"] = np.where(has_p[:, None, None], p, np.nan)
        j = np.zeros((n, 10, 9))
        j[:, :, 0] = count.junior_graduates
        j[:, :, 1] = e[:, 6, :, 0]
        j[:, :, 2] = e[:, 6:9, :, 0].sum(axis=1)
        j[:, :, 3] = e[:, 6:9, :, 1].sum(axis=1)
        j[:, :, 4:7] = e[:, 6:9, :, 0].transpose(0, 2, 1)
        j[:, :, 8] = e[:, 8, :, 0]
        t["3115"] = np.where(has_j[:, None, None], np.delete(j, 3, axis=1), np.nan)
        position = {int(s): i for i, s in enumerate(here)}
        c6 = np.zeros((n, 8, 11))
        c7 = np.zeros((n, 4, 11))
        for (school, grade), sizes in count.class_sizes.items():
            i = position[school]
            if grade <= 6 and has_p[i]:
                c6[i, grade] = [len(sizes), *_bands(sizes)]
            elif 6 < grade <= 9 and has_j[i]:
                c7[i, grade - 6] = [len(sizes), *_bands(sizes)]
        c6[:, 0] = c6[:, 1:].sum(axis=1)
        c7[:, 0] = c7[:, 1:].sum(axis=1)
        t["2106"] = np.where(has_p[:, None, None], c6, np.nan)
        t["2107"] = np.where(has_j[:, None, None], c7, np.nan)
        k = kindergarten[year]
        t["2105"] = np.where((k[:, 0, 6] > 0)[:, None, None], k, np.nan)
        schoolish = listed & (kind != KG)
        t["4149"] = np.where(schoolish[:, None, None], staff.j4149[year].astype(float), np.nan)
        for s, has, name in ((0, has_p, "4155_小学"), (1, has_j, "4155_初中")):
            t[name] = np.where(has[:, None, None], staff.j4155[year][:, s].astype(float), np.nan)
        growth = 0.985 ** (2025 - year)
        b = np.zeros((n, 9, 5))
        rows = [teaching, classroom, special_rooms, gym, play, office, living, other]
        for r, values in enumerate(rows, 1):
            area = np.floor(values * growth)
            b[:, r, 0] = np.where(rented, 0, area)
            b[:, r, 3] = np.where(rented, area, 0)
        b[:, 1, 1] = np.floor(b[:, 1, 0] * danger)
        b[:, 1, 2] = np.floor(b[:, 1, 0] * np.where(schools.open_year[here] == year, 1.0, 0))
        b[:, 0] = b[:, 1] + b[:, 6:9].sum(axis=1)
        t["5170"] = np.where(listed[:, None, None], b, np.nan)
        a = np.zeros((n, 9, 3))
        values_5176 = [land, green, sports, outdoor, books, computers, screens]
        for r, values in enumerate(values_5176):
            amount = np.floor(values * growth)
            own = ~rented | (r >= 4)
            a[:, r, 1] = np.where(own, amount, 0)
            a[:, r, 2] = np.where(own, 0, amount)
        a[:, 7, 1] = np.round(assets * growth, 2)
        a[:, 8, 1] = np.round(gear * 0.93 ** (2025 - year), 2)
        t["5176"] = np.where(listed[:, None, None], a, np.nan)
        tables[year] = t
    children = {yy: kindergarten[yy][:, 0, 6].astype(np.int64) for yy in YEARS}
    return RegionForms(tables, children)


def sheet_name(form: str, stage: str, kind: str) -> str:
    """Return the sheet name; form 4155 names the stage, the others the school type."""
    return f"教基{form}_{stage or kind}"


def _head(form: Form, kind: str) -> tuple[list[str], tuple[str, ...]]:
    """Return the XML of title and header rows (corner row left as %s) and the merged ranges."""
    width = len(form.top) + 2
    last = xlsx.column_letter(width - 1)
    title = f"教基{form.code} {form.title}({kind})"
    rows = [xlsx.row_xml(1, [title]), "%s"]
    merges = [f"A1:{last}1", f"A2:{last}2"]
    rows.append(xlsx.row_xml(3, ["指标名称", "代码", *[t or None for t in form.top]]))
    number = 4
    if form.sub:
        rows.append(xlsx.row_xml(4, [None, None, *[t or None for t in form.sub]]))
        number = 5
        merges += ["A3:A4", "B3:B4"]
        i = 0
        while i < len(form.top):
            j = i + 1
            while j < len(form.top) and not form.top[j]:
                j += 1
            a, z = xlsx.column_letter(i + 2), xlsx.column_letter(j + 1)
            if j - i > 1:
                merges.append(f"{a}3:{z}3")
            elif not form.sub[i]:
                merges.append(f"{a}3:{a}4")
            i = j
    labels = ["甲", "乙"] + [
        "丙" if form.text_columns and i == 0 else str(i + (0 if form.text_columns else 1))
        for i in range(len(form.top))
    ]
    rows.append(xlsx.row_xml(number, labels))
    return rows, tuple(merges)


_HEADS: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = {}


def form_sheet(
    code: str,
    kind: str,
    stage: str,
    corner: str,
    values: NDArray[np.float64],
    overrides: Mapping[tuple[str, int], xlsx.Cell] | None = None,
    dashes: Sequence[int] = (),
    dash_rows: Sequence[str] = (),
    first_rows: int | None = None,
) -> xlsx.Sheet:
    """Render one sheet, or its `first_rows`; `overrides` replaces cells (row name, column)."""
    form = FORMS[code]
    if (code, kind) not in _HEADS:
        rows, merges = _head(form, kind)
        _HEADS[(code, kind)] = ("\n".join(rows), merges)
    head, merges = _HEADS[(code, kind)]
    out = [head.replace("%s", xlsx.row_xml(2, [corner]), 1).replace("\n", "")]
    number = form.first_data_row
    letters = [xlsx.column_letter(i) for i in range(2, 2 + len(form.top))]
    for r, name in enumerate(form.rows[:first_rows]):
        cells = [
            f'<row r="{number}"><c r="A{number}" t="inlineStr"><is><t>{name}</t></is></c>'
            f'<c r="B{number}" t="inlineStr"><is><t>{form.codes[r]}</t></is></c>'
        ]
        for c, letter in enumerate(letters):
            value: xlsx.Cell
            if overrides and (name, c) in overrides:
                value = overrides[(name, c)]
            elif form.text_columns and c < len(form.text_columns):
                value = form.text_columns[c][r]
            elif c in dashes or name in dash_rows:
                value = "-"
            else:
                v = values[r, c]
                value = int(v) if v == int(v) else float(v)
            if value is None:
                continue
            if isinstance(value, str):
                cells.append(
                    f'<c r="{letter}{number}" t="inlineStr"><is><t>'
                    f"{xlsx.escape(value)}</t></is></c>"
                )
            else:
                cells.append(f'<c r="{letter}{number}"><v>{value}</v></c>')
        cells.append("</row>")
        out.append("".join(cells))
        number += 1
    stage_or_kind = f"{stage}" if stage else kind
    return xlsx.Sheet(f"教基{code}_{stage_or_kind}", "".join(out), merges)


def school_corner(code: str, name: str, year: str, unit: str) -> str:
    """Return the corner text of a school's sheet."""
    return f"学校(机构)标识码:{code}  学校(机构)名称:{name}  学年:{year}  单位:{unit}"


def county_corner(code: str, name: str, year: str, unit: str) -> str:
    """Return the corner text of a county summary's sheet."""
    return f"县(市、区)代码:{code}  名称:{name}  学年:{year}  单位:{unit}"


# Which forms a kind of school fills in (4155 once per stage).
SHEETS: dict[int, tuple[str, ...]] = {
    KG: ("2105", "5170", "5176"),
    PRIMARY: ("3112", "2106", "4149", "4155_小学", "5170", "5176"),
    POINT: ("3112", "2106", "4149", "4155_小学", "5170", "5176"),
    JUNIOR: ("3115", "2107", "4149", "4155_初中", "5170", "5176"),
    COMPLETE: ("3115", "2107", "4149", "4155_初中", "5170", "5176"),
    NINE: ("3112", "3115", "2106", "2107", "4149", "4155_小学", "4155_初中", "5170", "5176"),
    TWELVE: ("3112", "3115", "2106", "2107", "4149", "4155_小学", "4155_初中", "5170", "5176"),
    world.SENIOR: ("4149", "5170", "5176"),
    world.VOC: ("4149", "5170", "5176"),
    world.SPECIAL: ("4149", "5170", "5176"),
}


def school_workbook(
    schools: Schools,
    school: int,
    local: int,
    tables: dict[str, NDArray[np.float64]],
    year: int,
    overrides: Mapping[tuple[str, str, int], xlsx.Cell] | None = None,
    corner_year: str | None = None,
    corner_code: str | None = None,
) -> list[xlsx.Sheet]:
    """Return the sheets of one school; overrides by (sheet key, row name, value column)."""
    y = year - 2023
    code, name = schools.code_y[school][y], schools.name_y[school][y]
    kind = world.TYPE_NAME[schools.type_y[school][y]]
    keys = list(SHEETS[int(schools.kind_y[school, y])])
    if schools.attached_kg[school] and not np.isnan(tables["2105"][local, 0, 0]):
        keys.insert(0, "2105")
    sheets = []
    for key in keys:
        form_code, _, stage = key.partition("_")
        shown = "附设幼儿班" if form_code == "2105" and schools.kind[school] != KG else kind
        local_over = None
        if overrides:
            local_over = {(r, c): v for (k, r, c), v in overrides.items() if k == key}
        corner = school_corner(
            corner_code or code, name, corner_year or world.school_year(year), FORMS[form_code].unit
        )
        dashes = (7,) if form_code == "3115" else ()
        dash_rows = ("#复式班", "复式班") if form_code in ("3112", "2106") else ()
        sheets.append(
            form_sheet(
                form_code, shown, stage, corner, tables[key][local], local_over, dashes, dash_rows
            )
        )
    return sheets


def county_workbook(
    code: str,
    name: str,
    year: str,
    tables: Mapping[str, NDArray[np.float64]],
    overrides: Mapping[tuple[str, str, int], xlsx.Cell] | None = None,
) -> list[xlsx.Sheet]:
    """Return the sheets of a county summary: the same forms, summed over the schools."""
    sheets = []
    for key, values in tables.items():
        form_code, _, stage = key.partition("_")
        local = {(r, c): v for (k, r, c), v in (overrides or {}).items() if k == key}
        corner = county_corner(code, name, year, FORMS[form_code].unit)
        dashes = (7,) if form_code == "3115" else ()
        dash_rows = ("#复式班", "复式班") if form_code in ("3112", "2106") else ()
        shown = f"{stage}汇总" if stage else "汇总"
        sheets.append(
            form_sheet(form_code, "汇总", shown, corner, values, local, dashes, dash_rows)
        )
    return sheets


# The series before 2020: fewer columns, other words. No export of it was seen: the wording is
# ours, only the family name and the stage in the sheet name matter to the contracts.
OLD_SHEETS = {"3112": "基础基_小学学生情况汇总", "3115": "基础基_初中学生情况汇总"}
_OLD_KEPT = {"3112": (0, 1, *range(6, 15)), "3115": tuple(range(9))}
_OLD_HEAD = (
    ("指标名称", "代码", "毕业生数", "招生数", "在校学生数"),
    ("合计", "其中:女"),
)


def old_county_workbook(
    code: str,
    name: str,
    year: str,
    tables: Mapping[str, NDArray[np.float64]],
    overrides: Mapping[tuple[str, str, int], xlsx.Cell],
) -> list[xlsx.Sheet]:
    """Return a county's sums of 3112 and 3115 as the older series (基础基) laid them out.

    Same rows and first data row as the current forms; of-which rows begin with 其中:.
    """
    sheets = []
    for key, title in OLD_SHEETS.items():
        form, kept = FORMS[key], _OLD_KEPT[key]
        grades = [form.sub[c] for c in kept if form.sub[c].endswith("年级")]
        top: list[xlsx.Cell] = [*_OLD_HEAD[0], *[None] * (len(grades) + 1), "预计毕业生"]
        sub: list[xlsx.Cell] = [None] * 4 + [*_OLD_HEAD[1], *grades, None]
        corner = f"填报单位代码：{code}  填报单位名称：{name}  {year}学年初  计量单位：{form.unit}"
        rows: list[list[xlsx.Cell]] = [
            [title[4:]], [corner], top, sub, ["甲", "乙", *map(str, range(1, len(kept) + 1))]
        ]  # fmt: skip
        for r, row in enumerate(form.rows):
            dashed = (kept if row == "#复式班" else ()) or ((7,) if key == "3115" else ())
            cells: list[xlsx.Cell] = [
                overrides.get((key, row, c), "-" if c in dashed else int(tables[key][r, c]))
                for c in kept
            ]
            rows.append([row.replace("#", "其中:"), form.codes[r], *cells])
        last = xlsx.column_letter(len(kept) + 1)
        wide = xlsx.column_letter(len(kept))
        merges = ["A3:A4", "B3:B4", "C3:C4", "D3:D4", f"E3:{wide}3", f"{last}3:{last}4"]
        merges += [f"A1:{last}1", f"A2:{last}2"]
        sheets.append(xlsx.Sheet(title, xlsx.rows_xml(rows), tuple(merges)))
    return sheets


def summarise(tables: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Return the county's sums of all forms."""
    out = {}
    for key, values in tables.items():
        total = np.nansum(values, axis=0)
        out[key] = np.round(total, 2) if key == "5176" else total
    return out


def historic(year: int, region: int, scale: float) -> dict[str, NDArray[np.float64]]:
    """Return the county summaries 3112 and 3115 of a year before the first 学籍 list."""

    def size(cohort: int, grade: int) -> int:
        n = cohort_size(cohort, region, scale) * 0.9975
        kept = 0.9975 ** min(grade, 6)
        if grade > 6:
            kept *= 0.985 * 0.994 ** (grade - 6)
        return int(n * kept)

    share = (
        1.0,
        0.475,
        0.18 if region == 5 else 0.022,
        0.0,
        0.05,
        0.03,
        0.0105,
        0.0195,
        0.027,
        0.15,
    )
    primary = [size(year - g + 1, g) for g in range(1, 7)]
    junior = [size(year - g + 1, g) for g in range(7, 10)]
    p = np.zeros((10, 15))
    j = np.zeros((10, 9))
    for r, part in enumerate(share):
        grades = [int(v * part) for v in primary]
        p[r, 0] = int(size(year - 6, 6) * part)
        p[r, 1] = grades[0]
        p[r, 2] = int(grades[0] * 0.01)
        p[r, 3] = int(grades[0] * 0.03)
        p[r, 4] = int(grades[0] * 0.12)
        p[r, 5] = grades[0] - p[r, 2:5].sum()
        p[r, 6] = sum(grades)
        p[r, 7] = int(sum(grades) * (1.0 if r == 1 else 0.475))
        p[r, 8:14] = grades
        p[r, 14] = grades[5]
        grades = [int(v * part * (4 if r == 4 else 1)) for v in junior]
        j[r, 0] = int(size(year - 9, 9) * part)
        j[r, 1] = grades[0]
        j[r, 2] = sum(grades)
        j[r, 3] = int(sum(grades) * (1.0 if r == 1 else 0.475))
        j[r, 4:7] = grades
        j[r, 8] = grades[2]
    return {"3112": p, "3115": np.delete(j, 3, axis=0)}
