"""Money and people: county finance, school finance, and population by age."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from demo.city import world, xlsx
from demo.city.ledger import Entry
from demo.city.world import (
    COUNTIES,
    HOST,
    REGION_NAMES,
    YEARS,
    Schools,
    rng,
)

if TYPE_CHECKING:
    from demo.city.build import RegionResult

# Yuan per pupil of 一般公共预算教育经费, Guangxi 2023, in the order of staff.STAGES;
# special education has no published figure (synthetic).
PER_PUPIL = (4757.17, 8998.84, 11656.37, 11880.91, 10358.65, 32000.0)
PUBLIC_QUOTA = (700.0, 735.0, 960.0, 1250.0, 1400.0, 8100.0)  # yuan of public funds per pupil


def _amount(cents: int) -> str:
    """Show an amount held in hundredths; a negative one in brackets, none as a dash."""
    if cents == 0:
        return "-"
    text = f"{abs(cents) / 100:,.2f}"
    return f"({text})" if cents < 0 else text


COUNTY_HEADER = (
    [
        "县(市、区)",
        "一般公共预算支出",
        "一般公共预算教育支出",
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        "一般公共预算教育经费",
        None,
        None,
        None,
    ],
    [None, None, "合计", "其中", None, None, None, None, None, None, "合计", "其中", None, None],
    [
        None,
        None,
        None,
        "学前教育",
        "小学教育",
        "初中教育",
        "高中教育",
        "中等职业教育",
        "特殊教育",
        "其他",
        None,
        "教育事业费",
        "基建经费",
        "教育费附加",
    ],
)
COUNTY_MERGES = ("A1:N1", "A3:A5", "B3:B5", "C3:J3", "C4:C5", "D4:J4", "K3:N3", "K4:K5", "L4:N4")
SCHOOL_HEADER = (
    [
        "学校(机构)标识码",
        "学校(机构)名称",
        "收入",
        None,
        "支出",
        None,
        None,
        "公用经费财政拨款",
        "教师培训费",
    ],
    [None, None, "合计", "其中", "合计", "其中", None, None, None],
    [None, None, None, "财政拨款收入", None, "个人部分", "公用部分", None, None],
)
SCHOOL_MERGES = (
    "A1:I1",
    "A3:A5",
    "B3:B5",
    "C3:D3",
    "C4:C5",
    "E3:G3",
    "E4:E5",
    "F4:G4",
    "H3:H5",
    "I3:I5",
)


def _county_finance(
    out: Path, regions: list[RegionResult], seed: int, each_year: dict[int, np.ndarray]
) -> list[Entry]:
    entries: list[Entry] = []
    for year in YEARS:
        g = rng(seed, 50, year)
        pupils = each_year[year]  # (8 regions, 6 stages)
        growth = 1.024 ** (year - 2023)
        local = np.exp(rng(seed, 51).normal(0, 0.05, (8, 6)))
        fund = pupils * np.array(PER_PUPIL) * local * growth / 10_000 * 100  # hundredths of 万元
        rows: dict[int, list[int]] = {}
        for r in range(8):
            stage = [int(v) for v in np.round(fund[r] * 1.03)]
            other = int(sum(stage) * (0.06 + 0.01 * g.random()))
            total = sum(stage) + other
            fund_total = int(sum(fund[r]) * 1.01)
            capital = int(fund_total * 0.012)
            surcharge = int(fund_total * 0.035)
            budget = int(fund_total / (0.178 + 0.02 * local[r, 0] - 0.02))
            rows[r] = [
                max(budget, int(total * 1.5)),
                total,
                *stage,
                other,
                fund_total,
                fund_total - capital - surcharge,
                capital,
                surcharge,
            ]
        file = f"经费/{year}/梧州市教育经费决算.xlsx"
        order = [0, 1, 2, "小计", 3, 4, 5, 6, "小计", 7, "合计"]
        notes: list[tuple[int | str, str, str, str]] = []
        if year == 2024:  # 蒙山县 reports in yuan
            rows[5] = [v * 10_000 for v in rows[5]]
            notes.append((5, "edu_exp_total", "fnc-yuan-for-wanyuan", "FNC-004"))
        if year == 2023:
            rows[3][1] += 350
            notes.append((3, "edu_exp_total", "fnc-total-not-parts", "FNC-001"))
        if year == 2025:
            v = rows[6]
            v[10] += v[11] + 4250  # capital returned: a negative amount, the total still holds
            v[11] = -4250
            notes.append((6, "edu_fund_capital", "fnc-negative", "FNC-005"))
        title = f"{year}年梧州市一般公共预算教育经费决算表"
        lines: list[list[xlsx.Cell]] = [[title], [*[None] * 13, "单位:万元"], *COUNTY_HEADER]
        since: list[int] = []
        every: list[int] = []
        for item in order:
            number = len(lines) + 1
            if isinstance(item, int):
                since.append(item)
                every.append(item)
                lines.append(
                    [
                        REGION_NAMES[item] if item < COUNTIES else "市本级",
                        *[_amount(v) for v in rows[item]],
                    ]
                )
                for who, column, slug, rule in notes:
                    if who == item:
                        entries.append(
                            Entry(
                                "finance_county",
                                str(year),
                                file,
                                "经费决算",
                                number,
                                column,
                                slug,
                                rule,
                            )
                        )
            else:
                part = since if item == "小计" else every
                sums = [sum(rows[r][k] for r in part) for k in range(13)]
                if year == 2025 and item == "小计" and 0 in part:
                    sums[0] += 99_900
                    entries.append(
                        Entry(
                            "finance_county",
                            str(year),
                            file,
                            "经费决算",
                            number,
                            "general_budget",
                            "fnc-subtotal",
                            "LND-022",
                        )
                    )
                lines.append([item, *[_amount(v) for v in sums]])
                if item == "小计":
                    since = []
        lines.append(["注:本表为决算数;市本级含市直属学校。数据为合成演示数据。"])
        lines.append(["说明:括号内为负数,“-”表示无。"])
        end = len(lines)
        merges = (*COUNTY_MERGES, f"A{end - 1}:N{end - 1}", f"A{end}:N{end}")
        xlsx.write_workbook(out / file, [xlsx.Sheet("经费决算", xlsx.rows_xml(lines), merges)])
    return entries


def _school_finance(
    out: Path, schools: Schools, regions: list[RegionResult], seed: int
) -> list[Entry]:
    entries: list[Entry] = []
    factor = np.exp(rng(seed, 52).normal(0, 0.10, (len(schools), 3)))
    spoiled: set[str] = set()
    reported: set[str] = set()
    for year in YEARS:
        y = year - 2023
        file = f"经费/{year}/学校经费_教财基.xlsx"
        growth = 1.024**y
        g = rng(seed, 53, year)
        lines: list[list[xlsx.Cell]] = [
            [f"{year}年地方教育经费统计 学校经费(教财基)"],
            [*[None] * 8, "单位:千元"],
            *SCHOOL_HEADER,
        ]
        grand = [0] * 7
        blocks: list[tuple[str, list[tuple[str, str, list[int]]]]] = []
        total = 0
        for region in regions:
            block = []
            for local, i in enumerate(region.ids):
                if not schools.listed(year)[i] or schools.organiser[i] == "999":
                    continue
                heads = region.pupils[year][local]
                if heads.sum() == 0:
                    continue
                spend = heads * np.array(PER_PUPIL) * growth
                expenditure = int(spend.sum() * factor[i, 0] / 10)  # hundredths of 千元
                quota = np.maximum(heads, np.where(heads > 0, 100, 0)) * np.array(PUBLIC_QUOTA)
                appropriation = int(quota.sum() * max(0.93, factor[i, 1]) / 10)
                public = max(int(expenditure * 0.21), int(appropriation * 1.04))
                expenditure = max(expenditure, int(public * 1.9))
                training = int(public * np.clip(0.054 * factor[i, 2], 0.02, 0.12))
                income = int(expenditure * 1.01)
                block.append(
                    (
                        schools.code_y[i][y],
                        schools.name_y[i][y],
                        [
                            income,
                            int(income * 0.93),
                            expenditure,
                            expenditure - public,
                            public,
                            appropriation,
                            training,
                        ],
                    )
                )
                total += 1
            blocks.append((REGION_NAMES[region.region], block))
        each = 1 if total < 400 else 3
        flat = [
            (b, k)
            for b, (_, block) in enumerate(blocks)
            for k in range(len(block))
            if block[k][0].startswith(("21", "31"))
        ]
        # A victim of this year must have been an honest reporter of the same code last year.
        flat = [(b, k) for b, k in flat if blocks[b][1][k][0] not in spoiled]
        if year > YEARS[0]:
            flat = [(b, k) for b, k in flat if blocks[b][1][k][0] in reported]
        reported = {code for _, block in blocks for code, _, _ in block}
        picked = [flat[int(n)] for n in g.permutation(len(flat))]
        marks: dict[tuple[int, int], tuple[str, str, str]] = {}
        kinds = ["total", "unknown", "slip", "negative", "training"]
        for n, kind in enumerate(kinds):
            if total < 150 and n % 3 != y:
                continue
            for _ in range(each):
                if kind == "slip" and y != 2:
                    continue
                b, k = picked.pop()
                code, name, v = blocks[b][1][k]
                spoiled.add(code)
                if kind == "total":
                    v[2] += 1200
                    marks[(b, k)] = ("expenditure_total", "fns-total-not-parts", "FNS-001")
                elif kind == "slip":
                    v[:] = [x * 1000 for x in v]
                    marks[(b, k)] = ("expenditure_total", "fns-yuan-for-qianyuan", "FNS-002")
                elif kind == "unknown":
                    code = f"{code[:4]}{997000 + len(marks):06d}"
                    marks[(b, k)] = ("school_code", "fns-school-unknown", "FNS-003")
                elif kind == "negative":
                    v[1] = -v[1] // 50
                    marks[(b, k)] = ("income_fiscal", "fns-negative", "FNS-004")
                else:
                    v[6] = v[4] + 500
                    marks[(b, k)] = ("training", "fns-training-above-public", "FNS-005")
                blocks[b][1][k] = (code, name, v)
        for b, (name, block) in enumerate(blocks):
            sums = [0] * 7
            for k, (code, school, v) in enumerate(block):
                lines.append([code, school, *[_amount(x) for x in v]])
                if (b, k) in marks:
                    column, slug, rule = marks[(b, k)]
                    entries.append(
                        Entry(
                            "finance_school",
                            str(year),
                            file,
                            "教财基",
                            len(lines),
                            column,
                            slug,
                            rule,
                        )
                    )
                sums = [s + x for s, x in zip(sums, v, strict=True)]
            grand = [s + x for s, x in zip(grand, sums, strict=True)]
            if year == 2024 and b == 1:
                sums = [s + 77_700 if n == 2 else s for n, s in enumerate(sums)]
                entries.append(
                    Entry(
                        "finance_school",
                        str(year),
                        file,
                        "教财基",
                        len(lines) + 1,
                        "expenditure_total",
                        "fns-subtotal",
                        "LND-022",
                    )
                )
            lines.append(["小计", f"{name}小计", *[_amount(x) for x in sums]])
        lines.append(["合计", "全市合计", *[_amount(x) for x in grand]])
        lines.append(["注:民办学校和技工学校不在本表内。"])
        end = len(lines)
        xlsx.write_workbook(
            out / file,
            [xlsx.Sheet("教财基", xlsx.rows_xml(lines), (*SCHOOL_MERGES, f"A{end}:I{end}"))],
        )
    return entries


def population(regions: list[RegionResult], scale: float) -> dict[int, np.ndarray]:
    """Return residents on 1 September by year: (7 counties, ages 0..18).

    Ages 6 to 11 follow the primary pupils (net enrolment 99.9 %), 12 to 14 the junior pupils
    (gross 104 %); above and below, cohorts are carried forward and back.
    """
    table = {y: np.zeros((COUNTIES, 19), dtype=np.int64) for y in YEARS}
    for y in YEARS:
        for c in range(COUNTIES):
            host = (c, COUNTIES) if c == HOST else (c,)
            pupils = sum(regions[r].ages[y] for r in host)
            for age in range(19):
                cohort = y + 6 - age
                share = sum(world.cohort_share(r) for r in host)
                drawn = max(6 * len(host), round(world.COHORT[cohort] * scale * share))
                if 6 <= age <= 11:
                    value = int(np.ceil(pupils[age - 6] / 0.9991))
                elif 12 <= age <= 14:
                    value = round(pupils[age - 6] / 1.04)
                elif age < 6:
                    value = round(drawn * (1 + 0.002 * (age - 6)))
                else:
                    value = round(drawn * 0.965 / 1.04)
                table[y][c, age] = max(2, value)
    for y in (2024, 2025):
        table[y][:, 15:19] = table[y - 1][:, 14:18]
    return table


def _write_population(
    out: Path, regions: list[RegionResult], scale: float, seed: int
) -> list[Entry]:
    entries: list[Entry] = []
    people_by_year = population(regions, scale)
    for year in YEARS:
        file = f"人口/{year}/分县分年龄人口.xlsx"
        table = people_by_year[year]
        g = rng(seed, 54, year)
        male = np.round(table * (0.5164 + 0.006 * g.standard_normal(table.shape))).astype(int)
        male = np.clip(male, 1, table - 1)
        cells = np.stack([table, male, table - male], axis=2)  # county, age, sex
        spoiled = cells.copy()
        notes: list[tuple[int, str, str, str]] = []
        if year == 2025:
            spoiled[2, 1, 0] += 12
            notes.append((1, "population", "pop-total-not-sexes", "POP-001"))
            spoiled[5, 2, 1] = -spoiled[5, 2, 1]
            notes.append((2, "population", "pop-negative", "POP-003"))
            spoiled[4, 18] *= 2
            notes.append((18, "population", "pop-cohort-jump", "POP-005"))
        if year == 2024:
            spoiled[0, 0, 0] += 9
            notes.append((0, "population", "pop-total-not-sexes", "POP-001"))
        lines: list[list[xlsx.Cell]] = [
            [f"梧州市{year}年分县(市、区)分年龄人口({year}年9月1日时点)"],
            [*[None] * 21, "单位:人"],
            ["年龄", *[v for name in REGION_NAMES[:COUNTIES] for v in (name, None, None)]],
            [None, *["合计", "男", "女"] * COUNTIES],
        ]
        for age in range(19):
            lines.append([str(age), *[int(v) for v in spoiled[:, age].reshape(-1)]])
        sums = spoiled.sum(axis=1).reshape(-1)
        if year == 2023:
            sums[3] += 500
            entries.append(
                Entry(
                    "population",
                    str(year),
                    file,
                    "人口",
                    len(lines) + 1,
                    "population",
                    "pop-sum-row",
                    "LND-022",
                )
            )
        lines.append(["合计", *[int(v) for v in sums]])
        lines.append(["注:合成演示数据;城区人口按常住口径。"])
        merges = ["A1:V1", "A3:A4"]
        for c in range(COUNTIES):
            a, z = xlsx.column_letter(1 + 3 * c), xlsx.column_letter(3 + 3 * c)
            merges.append(f"{a}3:{z}3")
        xlsx.write_workbook(out / file, [xlsx.Sheet("人口", xlsx.rows_xml(lines), tuple(merges))])
        entries += [
            Entry("population", str(year), file, "人口", 5 + age, column, slug, rule)
            for age, column, slug, rule in notes
        ]
    return entries


# Registered persons for one resident: districts take people in, counties send them away. 岑溪市
# alone is beyond the tolerance of the reconciliation.
REGISTERED = (0.92, 0.90, 0.97, 1.10, 1.15, 1.12, 1.45)


def _write_registered(out: Path, regions: list[RegionResult], scale: float) -> list[Entry]:
    """Write 户籍人口: a text file a year, beside the residents of the statistics office."""
    entries: list[Entry] = []
    for year, table in population(regions, scale).items():
        file = f"户籍人口/{year}/户籍人口分年龄.csv"
        counts = np.round(table * np.array(REGISTERED)[:, None]).astype(int)
        if year == 2025:
            counts[3, 18] = -counts[3, 18]
            counts[4, 17] *= 2
            for county, age, slug, rule in (
                (3, 18, "hkp-negative", "HKP-002"),
                (4, 17, "hkp-cohort-jump", "HKP-004"),
            ):
                entries.append(
                    Entry(
                        "population_hukou", str(year), file, "", 2 + county * 19 + age,
                        "registered_count", slug, rule,
                    )
                )  # fmt: skip
        lines = ["县(市、区),年龄,户籍人数"]
        for county, name in enumerate(REGION_NAMES[:COUNTIES]):
            lines += [f"{name},{age},{counts[county, age]}" for age in range(19)]
        path = out / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes("".join(f"{line}\r\n" for line in lines).encode("gb18030"))
    return entries


def write_money(
    out: Path, schools: Schools, regions: list[RegionResult], scale: float, seed: int
) -> list[Entry]:
    """Write finance and population files and return their ledger lines."""
    each_year = {
        y: np.array([r.pupils[y].sum(axis=0) for r in regions], dtype=float) for y in YEARS
    }
    return [
        *_county_finance(out, regions, seed, each_year),
        *_school_finance(out, schools, regions, seed),
        *_write_population(out, regions, scale, seed),
        *_write_registered(out, regions, scale),
    ]
