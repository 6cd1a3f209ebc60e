"""Lists of schools with validity dates: star senior highs, groups, recognitions, agreements.

Clerks name a school by its code, its full name, or a short name that is clear within the county.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from demo.city import xlsx
from demo.city.ledger import Entry
from demo.city.world import (
    HAS_SENIOR,
    KG,
    POINT,
    REGION_NAMES,
    YEARS,
    Schools,
    rng,
)

LATEST = YEARS[-1] - YEARS[0]
# Counties and county-level cities; the others are districts and the city itself.
RURAL_COUNTIES = (3, 4, 5, 6)


class _Names:
    """How the lists write each school of the latest register."""

    def __init__(self, schools: Schools) -> None:
        self.schools = schools
        self.here = np.flatnonzero(schools.listed(YEARS[-1]))
        self.by_region = {
            r: [schools.name_y[i][LATEST] for i in self.here if schools.region[i] == r]
            for r in range(8)
        }

    def write(self, i: int, style: int) -> str:
        """Return code (0), full name (1) or, where it is clear, short name (2) of school `i`."""
        name = self.schools.name_y[i][LATEST]
        if style == 0:
            return self.schools.code_y[i][LATEST]
        region = int(self.schools.region[i])
        short = name.removeprefix(REGION_NAMES[region]).removeprefix(self.schools.town[i])
        alone = sum(other.endswith(short) for other in self.by_region[region]) == 1
        return short if style == 2 and alone and short else name

    def region(self, i: int) -> str:
        """Return the name of the region that runs school `i`."""
        return REGION_NAMES[int(self.schools.region[i])]


def _write(
    out: Path, file: str, title: str, header: list[str], rows: list[list[xlsx.Cell]],
    merges: list[str] | None = None,
) -> None:  # fmt: skip
    width = xlsx.column_letter(len(header) - 1)
    lines = [[title], list(header), *rows, ["注：演示名单，与任何真实学校无关。"]]
    areas = (f"A1:{width}1", *(merges or ()))
    xlsx.write_workbook(out / file, [xlsx.Sheet("名册", xlsx.rows_xml(lines), areas)])


def _stars(out: Path, names: _Names, seed: int) -> list[Entry]:
    schools = names.schools
    g = rng(seed, 85)
    file = "名册/星级特色普通高中名册.xlsx"
    senior = [int(i) for i in g.permutation(names.here) if schools.kind[i] in HAS_SENIOR]
    rows: list[list[xlsx.Cell]] = []
    for n, i in enumerate(senior[:7]):
        told = [names.region(i), names.write(i, n % 3)]
        if n < 4:  # the four that the plan wants to prepare
            rows.append([*told, ("创建", "立项")[n % 2], None, "20250301", "20271231", None])
        else:
            number = f"桂教基教〔2023〕{10 + n}号"
            rows.append([*told, ("认定", "复评")[n % 2], "三星", "20230501", "20280430", number])
    unknown = [REGION_NAMES[4], "演示外国语高级中学", "创建", None, "20250301", "20271231", None]
    third = names.write(senior[2], 1)
    without = [names.region(senior[2]), third, "认定", "三星", "20240501", "20290430", None]
    fourth = names.write(senior[3], 1)
    odd = [names.region(senior[3]), fourth, "认定", "三星", "20240901", "20290831", "2024年第5号文"]
    entries = []
    for row, column, slug, rule in (
        (unknown, "school", "sts-school-unknown", "STS-002"),
        (without, "document_no", "sts-without-document", "STS-004"),
        (odd, "document_no", "sts-odd-document", "STS-005"),
    ):
        rows.append(list(row))
        entries.append(
            Entry("star_schools", "all", file, "名册", 2 + len(rows), column, slug, rule)
        )
    header = ["县(市、区)", "学校名称", "阶段", "星级", "有效期起", "有效期止", "文件号"]
    _write(out, file, "星级特色普通高中名册（演示）", header, rows)
    return entries


def _groups(out: Path, names: _Names, seed: int) -> list[Entry]:
    schools = names.schools
    file = "名册/集团学区名册.xlsx"
    rows: list[list[xlsx.Cell]] = []
    merges: list[str] = []
    entries: list[Entry] = []
    used = 0

    def add(title: str, kind: str, region: int, members: list[int], model: str | None, since: str):
        nonlocal used
        first = 3 + len(rows)
        lead = names.write(members[0], 1)
        for n, i in enumerate(members):
            head = [title, kind, REGION_NAMES[region], lead]
            tail: list[xlsx.Cell] = [model, since, None]
            if n:  # merged with the first row
                head, tail = [None] * 4, [None] * 3  # type: ignore[list-item]
            rows.append([*head, names.write(i, (used + n) % 3), *tail])
        used += len(members)
        if len(members) > 1:
            merges.extend(f"{c}{first}:{c}{first + len(members) - 1}" for c in "ABCDFGH")
        return first

    for region in range(8):
        g = rng(seed, 86, region)
        here = [int(i) for i in g.permutation(names.here) if schools.region[i] == region]
        kgs = [i for i in here if schools.kind[i] == KG]
        taught = [i for i in here if schools.kind[i] not in (KG, POINT) and schools.kind[i] < 7]
        place = REGION_NAMES[region]
        for kind, word, pool, share, size in (
            ("集团", "幼儿园教育集团", kgs, 0.4, 5),
            ("集团", "教育集团", taught, 0.35, 4),
            ("学区", "学区", taught[::-1], 0.3, 6),
        ):
            members = pool[: max(2, int(len(pool) * share))]
            for n in range(0, len(members), size):
                part = members[n : n + size]
                since = "20230901" if n % (2 * size) == 0 else "20240901"
                model = "20250520" if kind == "集团" and n == 0 and region % 3 == 0 else None
                add(f"{place}第{n // size + 1}{word}", kind, region, part, model, since)
        if region == 1:
            first = add(f"{place}演示模范集团", "集团", region, taught[-2:], "20240601", "20240901")
            entries += [
                Entry("school_groups", "all", file, "名册", first + k, "model_date",
                      "sgr-model-before-start", "SGR-005") for k in range(2)
            ]  # fmt: skip
        if region == 4:
            # "小学" is the end of many names of the county.
            first = add(f"{place}演示集团", "集团", region, taught[-2:], None, "20240901")
            rows[first - 2][4] = "小学"
            entries.append(
                Entry("school_groups", "all", file, "名册", first + 1, "member_school",
                      "sgr-short-name-of-many", "SGR-002")
            )  # fmt: skip
        if region == 6:
            first = add(f"{place}重复集团", "集团", region, taught[-2:], None, "20240901")
            rows[first - 2][4] = rows[first - 3][4]
            entries += [
                Entry("school_groups", "all", file, "名册", first + k, "member_school",
                      "sgr-school-twice", "SGR-KEY") for k in range(2)
            ]  # fmt: skip
    header = [
        "集团(学区)名称", "类型", "县(市、区)", "牵头校", "成员校(园)", "紧密型示范认定日期",
        "有效期起", "有效期止",
    ]  # fmt: skip
    _write(out, file, "教育集团、学区名册（演示）", header, rows, merges)
    return entries


def _recognitions(out: Path, names: _Names, seed: int) -> list[Entry]:
    schools = names.schools
    g = rng(seed, 87)
    file = "名册/认定名册.csv"
    rows: list[list[str]] = []
    for region, day in ((5, "20221215"), (1, "20231220"), (0, "20241210")):
        number = f"教督〔{day[:4]}〕5号"
        rows.append(["学前教育普及普惠", REGION_NAMES[region], "", day, "", number])
    rows.append(["义务教育优质均衡", REGION_NAMES[1], "", "20250320", "", "教督〔2025〕3号"])
    able = [int(i) for i in g.permutation(names.here) if schools.kind[i] != POINT]
    for n, i in enumerate(able[: int(len(able) * 0.45)]):
        year = 2023 + n % 3
        told = [names.region(i), names.write(i, n % 3)]
        rows.append(["清廉学校", *told, f"{year}0620", "", f"梧教发〔{year}〕{8 + n % 5}号"])
    high = [
        int(i)
        for i in names.here
        if schools.kind[i] in HAS_SENIOR and schools.region[i] in RURAL_COUNTIES
    ]
    for n, i in enumerate(high[: max(1, int(len(high) * 0.7))]):
        told = [names.region(i), names.write(i, n % 3)]
        year = 2023 + n % 2
        until = f"{year + 5}0831"
        rows.append(
            ["县域普高办学条件达标", *told, f"{year}0815", until, f"桂教基教〔{year}〕21号"]
        )
    entries = []

    def plant(row: list[str], column: str, slug: str, rule: str) -> None:
        rows.append(row)
        entries.append(Entry("recognitions", "all", file, "", 1 + len(rows), column, slug, rule))

    spare = [names.write(i, 1) for i in able[-2:]]
    places = [names.region(i) for i in able[-2:]]
    number = "梧教发〔2025〕8号"
    unknown = ["清廉学校", REGION_NAMES[2], "演示艺术学校", "20250620", "", number]
    plant(unknown, "school", "rec-school-unknown", "REC-002")
    odd = ["清廉学校", places[0], spare[0], "20250620", "", "第8号文"]
    plant(odd, "document_no", "rec-odd-document", "REC-005")
    early = ["清廉学校", places[1], spare[1], "20250620", "20250101", number]
    plant(early, "valid_to", "rec-ends-before-it-begins", "REC-003")
    for day in ("20250110", "20250112"):
        twin = ["义务教育优质均衡", REGION_NAMES[6], "", day, "", "教督〔2025〕3号"]
        plant(twin, "county", "rec-county-twice", "REC-006")
    header = ["认定类别", "县(市、区)", "学校名称", "认定日期", "有效期止", "文件号"]
    text = "".join(",".join(row) + "\r\n" for row in [header, *rows])
    path = out / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("gb18030"))
    return entries


def _agreements(out: Path, names: _Names, seed: int) -> list[Entry]:
    schools = names.schools
    file = "名册/县中托管帮扶协议.xlsx"
    senior = [int(i) for i in names.here if schools.kind[i] in HAS_SENIOR]
    high = [i for i in senior if schools.region[i] in RURAL_COUNTIES]
    city = [i for i in senior if schools.region[i] not in RURAL_COUNTIES]
    rows: list[list[xlsx.Cell]] = []
    for n, i in enumerate(high[: max(2, int(len(high) * 0.6))]):
        year = 2023 + n % 3
        partner = names.write(city[n % len(city)], 1)
        told = [names.region(i), names.write(i, n % 3), partner, ("托管", "对口帮扶")[n % 2]]
        rows.append([*told, f"{year}0801", f"{year + 3}0731"])
    entries = []
    own = names.write(high[-1], 1)
    district = [names.region(city[0]), names.write(city[0], 1), "演示师范大学附属中学", "对口帮扶"]
    for row, column, slug, rule in (
        (
            [names.region(high[-1]), own, own, "对口帮扶"],
            "partner",
            "sup-supports-itself",
            "SUP-004",
        ),
        (district, "county", "sup-not-a-county-school", "SUP-005"),
    ):
        rows.append([*row, "20250801", "20280731"])
        entries.append(
            Entry("support_agreements", "all", file, "名册", 2 + len(rows), column, slug, rule)
        )
    header = ["县(市、区)", "被帮扶学校", "帮扶单位", "帮扶方式", "起始日期", "截止日期"]
    _write(out, file, "县中托管帮扶协议一览（演示）", header, rows)
    return entries


def write_lists(out: Path, schools: Schools, seed: int) -> list[Entry]:
    """Write the four lists; return the ledger of their defects."""
    names = _Names(schools)
    return [
        *_stars(out, names, seed),
        *_groups(out, names, seed),
        *_recognitions(out, names, seed),
        *_agreements(out, names, seed),
    ]
