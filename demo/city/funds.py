"""Earmarked funds by month, and GDP, fiscal education spending and pay by county."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from demo.city import xlsx
from demo.city.ledger import Entry
from demo.city.money import PER_PUPIL, _amount
from demo.city.world import COUNTIES, REGION_NAMES, YEARS, rng

if TYPE_CHECKING:
    from demo.city.build import RegionResult

FUNDS = ("义务教育薄弱环节改善与能力提升", "学前教育发展", "普通高中办学条件改善")
PER_FUND = (260.0, 180.0, 150.0)  # yuan a pupil of the county, synthetic


def _name(region: int) -> str:
    return REGION_NAMES[region] if region < COUNTIES else "市本级"


def _special_funds(out: Path, heads: dict[int, np.ndarray], seed: int) -> list[Entry]:
    entries: list[Entry] = []
    for year in YEARS:
        g = rng(seed, 83, year)
        file = f"经费/{year}/教育专项资金执行情况.xlsx"
        months = range(1, 13) if year == YEARS[-1] else range(3, 13, 3)
        total = heads[year].sum(axis=1)
        # Hundredths of 万元, whole 万元.
        planned = np.maximum(total[:, None] * np.array(PER_FUND) * 0.01, 1000)
        budget = planned.astype(np.int64) // 100 * 100
        final = g.uniform(0.82, 0.99, (8, 3))
        lines: list[list[xlsx.Cell]] = [
            [f"{year}年教育专项资金执行情况（演示数据）"],
            [*[None] * 5, "金额单位：万元"],
            ["县(市、区)", "专项资金名称", "月份", "预算(调整后)", "累计支出", "备注"],
        ]
        merges = ["A1:F1"]
        for month in months:
            sums = [0, 0]
            for r in range(8):
                merges.append(f"A{len(lines) + 1}:A{len(lines) + 3}")
                for f, fund in enumerate(FUNDS):
                    # Budgets are adjusted in September; spending follows the year.
                    amount = int(budget[r, f] * (1.05 if month >= 9 else 1))
                    spent = int(budget[r, f] * final[r, f] * (month / 12) ** 1.3)
                    planted = {
                        (2023, 3, 1, 0): ("spent", "spf-negative", "SPF-006"),
                        (2024, 12, 2, 1): ("spent", "spf-over-budget", "SPF-004"),
                        (2025, 6, 3, 2): ("spent", "spf-cumulative-fell", "SPF-005"),
                        (2025, 9, 4, 0): ("budget", "spf-yuan-for-wanyuan", "SPF-003"),
                    }.get((year, month, r, f))
                    if planted is not None:
                        column, slug, rule = planted
                        if slug == "spf-negative":
                            spent = -1200
                        elif slug == "spf-over-budget":
                            spent = amount + 5000
                        elif slug == "spf-cumulative-fell":
                            spent //= 4
                        else:
                            amount *= 10_000
                        entries.append(
                            Entry(
                                "special_funds", str(year), file, "专项资金", len(lines) + 1,
                                column, slug, rule,
                            )
                        )  # fmt: skip
                    sums = [sums[0] + amount, sums[1] + spent]
                    lines.append(
                        [
                            None if f else _name(r), fund, month, _amount(amount), _amount(spent),
                            None,
                        ]
                    )  # fmt: skip
            if year == 2024 and month == 6:
                sums[1] += 88_800
                entries.append(
                    Entry(
                        "special_funds", str(year), file, "专项资金", len(lines) + 1, "spent",
                        "spf-subtotal", "LND-022",
                    )
                )  # fmt: skip
            lines.append([f"{month}月小计", None, None, _amount(sums[0]), _amount(sums[1])])
        lines.append(["注：累计数；括号内为退回。"])
        sheet = xlsx.Sheet("专项资金", xlsx.rows_xml(lines), tuple(merges))
        xlsx.write_workbook(out / file, [sheet])
    return entries


def _economy(out: Path, heads: dict[int, np.ndarray], seed: int) -> list[Entry]:
    entries: list[Entry] = []
    g = rng(seed, 84)
    # Fiscal education spending is some 4 to 5.5 % of the product of a county of this kind.
    share = g.uniform(0.040, 0.055, 8)
    mean, civil = g.uniform(8.6, 9.6, 8), g.uniform(92_000, 98_000, 8)
    for year in YEARS:
        y = year - YEARS[0]
        file = f"经费/{year}/分县经济与教育投入.xlsx"
        spending = (heads[year] * np.array(PER_PUPIL)).sum(axis=1) * 1.35 * 1.024**y / 10_000
        before = (heads[YEARS[0]] * np.array(PER_PUPIL)).sum(axis=1) * 1.35 / 10_000
        gdp = before / share * 1.045**y
        teachers = np.maximum(1, heads[year][:, 1:3].sum(axis=1) / 15.5).astype(np.int64)
        rows = [
            [
                0 if r == COUNTIES else round(100 * gdp[r]),
                round(100 * spending[r]),
                int(teachers[r]) * 100,
                round(100 * teachers[r] * mean[r] * 1.03**y),
                round(civil[r] * 1.02**y),
            ]
            for r in range(8)
        ]
        slug = {
            2023: (1, 3, "teacher_pay", "cec-yuan-for-wanyuan", "CEC-003"),
            2024: (4, 0, "gdp", "cec-yi-for-wanyuan", "CEC-005"),
            2025: (2, 4, "civil_mean_pay", "cec-wanyuan-for-yuan", "CEC-004"),
        }[year]
        r, column, name, kind, rule = slug
        if rule == "CEC-003":
            rows[r][column] *= 10_000
        else:
            rows[r][column] //= 10_000
        lines: list[list[xlsx.Cell]] = [
            [f"{year}年分县(市、区)经济与教育投入（演示数据）"],
            [*[None] * 5, "金额单位：万元"],
            [
                "县(市、区)", "地区生产总值(GDP)", "国家财政性教育经费", "义务教育教师", None,
                "公务员年平均工资(元)",
            ],
            [None, None, None, "人数", "工资总额", None],
        ]  # fmt: skip

        def shown(values: list[int]) -> list[xlsx.Cell]:
            return [
                _amount(values[0]), _amount(values[1]), values[2] // 100, _amount(values[3]),
            ]  # fmt: skip

        lines += [[_name(i), *shown(row), row[4]] for i, row in enumerate(rows)]
        lines.append(["合计", *shown([sum(row[k] for row in rows) for k in range(4)])])
        lines.append(["注：地区生产总值按县(市、区)统计，市本级不单列。"])
        lines.append(["注：公务员年平均工资单位为元。"])
        merges = ("A1:F1", "A3:A4", "B3:B4", "C3:C4", "D3:E3", "F3:F4")
        sheet = xlsx.Sheet("经济", xlsx.rows_xml(lines), merges)
        xlsx.write_workbook(out / file, [sheet])
        entries.append(Entry("county_economy", str(year), file, "经济", 5 + r, name, kind, rule))
    return entries


def write_funds(out: Path, regions: list[RegionResult], seed: int) -> list[Entry]:
    """Write earmarked funds and county economy; amounts follow the pupils of each region."""
    heads = {y: np.array([r.pupils[y].sum(axis=0) for r in regions], dtype=float) for y in YEARS}
    return [*_special_funds(out, heads, seed), *_economy(out, heads, seed)]
