"""The synthetic city: regions, cohorts and schools over three school years.

Levels are calibrated to published figures (see ``demo/README.md``); every single school,
person and amount is invented. Four county populations are census figures (2020-11-01); the
split of the remaining three counties is synthetic, only their sum is published.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

VERSION = "3"
YEARS = (2023, 2024, 2025)
HISTORY = range(2014, 2026)
CITY_CODE = "450401"
REGION_CODES = ("450403", "450405", "450406", "450421", "450422", "450423", "450481", CITY_CODE)
REGION_NAMES = ("万秀区", "长洲区", "龙圩区", "苍梧县", "藤县", "蒙山县", "岑溪市", "市直")
COUNTIES = 7
# The county whose students come as workbooks; the others send CSV.
XLSX_REGIONS = (5, 7)

# 2020 census: 271,989 / 299,344 / 288,482 / 276,766; the other three share 1,684,396 (our split).
POPULATION = (271_989, 299_344, 288_482, 276_766, 774_822, 176_862, 732_712)
CITY_RUN_SHARE = 0.02  # of every compulsory cohort, taken from 万秀区
HOST = 0  # the county where the city-run compulsory schools stand

# Children who reach primary-school age in the year, full scale. Births fall after 2016.
COHORT = {
    2005: 35_000,
    2006: 35_200,
    2007: 35_500,
    2008: 35_600,
    2009: 35_800,
    2010: 36_000,
    2011: 36_200,
    2012: 37_000,
    2013: 38_000,
    2014: 39_500,
    2015: 41_000,
    2016: 42_500,
    2017: 43_500,
    2018: 44_000,
    2019: 44_500,
    2020: 45_000,
    2021: 45_000,
    2022: 45_500,
    2023: 46_000,
    2024: 43_000,
    2025: 40_500,
    2026: 39_500,
    2027: 37_500,
    2028: 35_000,
    2029: 32_500,
    2030: 30_000,
    2031: 28_500,
}

KG, PRIMARY, POINT, JUNIOR, NINE, COMPLETE, TWELVE, SENIOR, VOC, SPECIAL = range(10)
KIND_NAMES = (
    "kindergarten",
    "primary",
    "teaching point",
    "junior",
    "nine-year",
    "complete secondary",
    "twelve-year",
    "senior",
    "vocational",
    "special",
)
TYPE_CODE = ("111", "211", "218", "311", "312", "341", "345", "342", "365", "513")
TYPE_NAME = {
    "111": "幼儿园",
    "211": "小学",
    "218": "小学教学点",
    "311": "初级中学",
    "312": "九年一贯制学校",
    "341": "完全中学",
    "342": "高级中学",
    "345": "十二年一贯制学校",
    "365": "职业高中学校",
    "362": "中等技术学校",
    "361": "调整后中等职业学校",
    "513": "培智学校",
    "514": "其他特殊教育学校",
}
CATEGORY = ("11", "21", "21", "31", "31", "34", "34", "34", "36", "51")
HAS_SENIOR = (COMPLETE, TWELVE, SENIOR)

# Schools per kind (rows) and region (columns) at scale 1, and the least number at any scale.
COUNTS = (
    (72, 80, 74, 66, 178, 44, 176, 10),
    (36, 40, 52, 62, 168, 42, 146, 4),
    (8, 10, 36, 66, 136, 32, 112, 0),
    (6, 7, 10, 11, 28, 7, 23, 3),
    (3, 3, 4, 4, 9, 3, 8, 1),
    (1, 1, 1, 1, 3, 1, 3, 3),
    (0, 1, 0, 0, 1, 0, 0, 1),
    (0, 1, 1, 1, 4, 1, 4, 6),
    (0, 1, 1, 1, 2, 1, 2, 7),
    (1, 1, 1, 1, 1, 1, 1, 1),
)
LEAST = (
    (3, 3, 3, 3, 4, 3, 4, 2),
    (2, 2, 2, 2, 3, 2, 3, 1),
    (1, 1, 2, 3, 5, 2, 4, 0),
    (2, 3, 2, 2, 4, 3, 4, 1),
    (1, 1, 1, 1, 2, 1, 2, 0),
    (0, 0, 0, 0, 0, 0, 0, 1),
    (0, 0, 0, 0, 0, 0, 0, 0),
    (0, 0, 0, 0, 1, 0, 1, 1),
    (0, 0, 0, 0, 0, 0, 0, 1),
    (0, 0, 0, 0, 0, 0, 0, 1),
)
TOWNS = (
    ("城东镇", "龙湖镇", "夏郢镇"),
    ("倒水镇", "长洲镇"),
    ("龙圩镇", "大坡镇", "广平镇", "新地镇"),
    ("石桥镇", "沙头镇", "梨埠镇", "岭脚镇", "京南镇", "狮寨镇", "旺甫镇", "六堡镇", "木双镇"),
    (
        "藤州镇",
        "塘步镇",
        "埌南镇",
        "同心镇",
        "金鸡镇",
        "新庆镇",
        "象棋镇",
        "岭景镇",
        "天平镇",
        "蒙江镇",
        "和平镇",
        "太平镇",
        "古龙镇",
        "东荣镇",
        "大黎镇",
        "平福乡",
        "宁康乡",
    ),
    (
        "蒙山镇",
        "西河镇",
        "新圩镇",
        "文圩镇",
        "黄村镇",
        "陈塘镇",
        "长坪瑶族乡",
        "夏宜瑶族乡",
        "汉豪乡",
    ),
    (
        "岑城镇",
        "归义镇",
        "筋竹镇",
        "诚谏镇",
        "大业镇",
        "糯垌镇",
        "安平镇",
        "三堡镇",
        "波塘镇",
        "梨木镇",
        "大隆镇",
        "水汶镇",
        "马路镇",
        "南渡镇",
    ),
    ("市区",),
)
_WORDS_A = "育明启文新光红兴华东西南北中安福和平康乐春晓星阳晨博雅思源致远崇德弘毅嘉凤龙云翠金玉"
_WORDS_B = "才英智慧苑园林山河泉湖峰岭田坪冲塘江源洲桥村寨垌安泰宁"


def rng(seed: int, *key: int) -> np.random.Generator:
    """Return the generator of one part; parts never influence one another."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def school_year(year: int) -> str:
    """Return the school year that starts in `year`, like ``2025-2026``."""
    return f"{year}-{year + 1}"


def cohort_share(region: int) -> float:
    """Return the share of a compulsory-school cohort that a region teaches."""
    if region == COUNTIES:
        return CITY_RUN_SHARE
    share = POPULATION[region] / sum(POPULATION)
    return share - CITY_RUN_SHARE if region == HOST else share


@dataclass
class Schools:
    """All schools as parallel arrays of length n; years index 0..2 is 2023..2025."""

    kind: NDArray[np.int64]  # (n,) kind in 2025
    kind_y: NDArray[np.int64]  # (n, 3) kind by year
    region: NDArray[np.int64]  # (n,) administering region, 7 = city-run
    location: NDArray[np.int64]  # (n,) county where the school stands
    code_y: list[tuple[str, str, str]]
    name_y: list[tuple[str, str, str]]
    type_y: list[tuple[str, str, str]]
    predecessor_y: list[tuple[str, str, str]]
    open_year: NDArray[np.int64]  # first school year (2000 = long ago)
    close_year: NDArray[np.int64]  # first school year without it (9999 = never)
    successor: NDArray[np.int64]  # where its pupils go after closing, -1 = not needed
    urban: list[str]  # 城乡类型码
    town: list[str]
    weight: NDArray[np.float64]  # relative size
    class_target: NDArray[np.int64]  # intended pupils per class
    top_grade: NDArray[np.int64]  # last grade of a teaching point
    organiser: list[str]
    inclusive: NDArray[np.bool_]
    attached_kg: NDArray[np.bool_]
    founded: list[str]
    planned: list[str]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    phantom: list[str]  # "" or the register defect the row exists for

    def __len__(self) -> int:
        """Return the number of schools."""
        return len(self.kind)

    def listed(self, year: int) -> NDArray[np.bool_]:
        """Return which schools are open in a school year."""
        return (self.open_year <= year) & (self.close_year > year)


def make_schools(scale: float, seed: int) -> Schools:
    """Draw the schools of the city, their sizes, and who opens, closes or changes code."""
    g = rng(seed, 1)
    kinds: list[int] = []
    regions: list[int] = []
    for kind in range(10):
        for region in range(8):
            n = max(LEAST[kind][region], round(COUNTS[kind][region] * scale))
            kinds += [kind] * n
            regions += [region] * n
    kind = np.array(kinds)
    region = np.array(regions)
    n = len(kind)
    compulsory = np.isin(kind, (PRIMARY, POINT, JUNIOR, NINE, SPECIAL))
    location = np.where(region < COUNTIES, region, np.where(compulsory, HOST, g.integers(0, 3, n)))
    location = np.where((region == COUNTIES) & np.isin(kind, (COMPLETE, TWELVE)), HOST, location)

    urban_pick = g.random(n)
    urban: list[str] = []
    for i in range(n):
        p, k = urban_pick[i], kind[i]
        if region[i] in (0, 1, 7):
            code = "111" if p < 0.6 else "112" if p < 0.85 else "121"
        elif k == POINT:
            code = "220"
        elif k in (PRIMARY, KG):
            code = "121" if p < 0.30 else "122" if p < 0.42 else "210" if p < 0.62 else "220"
        else:
            code = "121" if p < 0.62 else "122" if p < 0.8 else "210"
        if k == POINT:
            code = "220"
        urban.append(code)
    factor = {"111": 2.3, "112": 1.6, "121": 1.8, "122": 1.2, "210": 0.75, "220": 0.38}
    size = np.array([factor[u] for u in urban])
    spread = g.lognormal(0.0, 0.5, n)
    weight = np.select(
        [np.isin(kind, (PRIMARY, NINE)), kind == POINT, kind == KG],
        [
            size * np.clip(spread, 0.35, 2.4),
            0.085 * np.clip(spread, 0.4, 2.0),
            np.clip(0.45 + 0.4 * size, 0.5, 1.3) * np.clip(spread, 0.35, 2.2),
        ],
        np.clip(spread, 0.5, 1.9),
    )
    weight = np.where(np.isin(kind, (COMPLETE, NINE)), weight * 0.8, weight)
    target = np.where(
        np.isin(kind, (PRIMARY, NINE, SPECIAL)), g.integers(38, 46, n), g.integers(43, 50, n)
    )
    crowded = np.array([u in ("111", "121") for u in urban]) & (g.random(n) < 0.02)
    crowded &= np.isin(kind, (PRIMARY, NINE, JUNIOR))
    for r, k in ((4, PRIMARY), (6, PRIMARY), (1, PRIMARY), (6, JUNIOR)):  # at any scale a few
        there = np.flatnonzero((region == r) & (kind == k) & (size > 1))
        crowded[there[:1]] = True
        weight[there[:1]] = np.maximum(weight[there[:1]], 1.5)
    target = np.where(crowded, 56, target)
    fullest = np.flatnonzero((region == 4) & (kind == PRIMARY) & crowded)
    target[fullest[:1]] = 66
    target = np.where(kind == SPECIAL, 10, target)

    open_year = np.full(n, 2000)
    close_year = np.full(n, 9999)
    kind_y = np.repeat(kind[:, None], 3, axis=1)
    successor = np.full(n, -1)
    change = np.zeros(n, dtype=int)
    for r in range(8):
        here = np.flatnonzero(region == r)
        kgs = here[kind[here] == KG]
        primaries = here[kind[here] == PRIMARY]
        points = here[kind[here] == POINT]
        nines = here[kind[here] == NINE]
        # Kindergartens close as births fall; a few open in towns.
        k = len(kgs) // 25
        for j, i in enumerate(kgs[-2 * k :] if k else []):
            close_year[i] = 2024 + j % 2
        for j, i in enumerate(kgs[: max(0, len(kgs) // 60)]):
            open_year[i] = 2024 + j % 2
        if len(primaries):
            for i in points:
                successor[i] = primaries[int(g.integers(0, len(primaries)))]
            for j, i in enumerate(points[: len(points) // 16]):
                close_year[i] = 2024 + j % 2
        for j, i in enumerate(primaries[1 : 1 + len(primaries) // 40]):
            open_year[i] = 2024 + j % 2
        # A primary school that became a nine-year school gets a new code (21.. to 31..).
        for j, i in enumerate(nines[1 : 2 + len(nines) // 8]):
            change[i] = 2024 + (j + r) % 2
            kind_y[i, : change[i] - 2023] = PRIMARY
    # Pupils of a closing point must find an open school.
    for i in np.flatnonzero(successor >= 0):
        if open_year[successor[i]] > 2000:
            options = np.flatnonzero(
                (region == region[i]) & (kind == PRIMARY) & (open_year == 2000)
            )
            successor[i] = options[0]

    town_of = [
        TOWNS[int(loc)][int(t)]
        for loc, t in zip(
            location,
            (g.random(n) * [len(TOWNS[int(x)]) for x in location]).astype(int),
            strict=True,
        )
    ]
    serial = g.permutation(n) + 1
    names: list[str] = []
    used: set[str] = set()
    suffix = (
        "幼儿园",
        "小学",
        "教学点",
        "初级中学",
        "学校",
        "中学",
        "实验学校",
        "高级中学",
        "职业技术学校",
        "特殊教育学校",
    )
    for i in range(n):
        place = "梧州市" if region[i] == COUNTIES else REGION_NAMES[int(region[i])]
        rural = urban[i] in ("121", "122", "210", "220") and region[i] != COUNTIES
        while True:
            a = _WORDS_A[int(g.integers(0, len(_WORDS_A)))]
            b = _WORDS_B[int(g.integers(0, len(_WORDS_B)))]
            c = _WORDS_B[int(g.integers(0, len(_WORDS_B)))] if scale > 1.5 else ""
            name = f"{place}{town_of[i] if rural else ''}{a}{b}{c}{suffix[kind[i]]}"
            if name not in used:
                used.add(name)
                names.append(name)
                break

    private = np.where(kind == KG, g.random(n) < 0.47, g.random(n) < 0.03)
    private &= ~np.isin(kind, (POINT, SPECIAL)) & (region != COUNTIES)
    organiser = [
        "999"
        if private[i]
        else "821"
        if region[i] == COUNTIES
        else ("894" if kind[i] == KG and i % 17 == 0 else "831")
        for i in range(n)
    ]
    inclusive = private & (kind == KG) & (g.random(n) < 0.83)

    code_y: list[tuple[str, str, str]] = []
    name_y: list[tuple[str, str, str]] = []
    type_y: list[tuple[str, str, str]] = []
    predecessor: list[tuple[str, str, str]] = []
    for i in range(n):
        codes, kinds_i, titles, before = [], [], [], []
        for y in range(3):
            k = int(kind_y[i, y])
            codes.append(f"{CATEGORY[k]}45{int(serial[i]):06d}")
            type_code = TYPE_CODE[k]
            if k == VOC and i % 3 == 0:
                type_code = "362"
            if k == SPECIAL and i % 2 == 0:
                type_code = "514"
            kinds_i.append(type_code)
            titles.append(names[i] if k == kind[i] else names[i][: -len("学校")] + "中心小学")
            changed = change[i] == 2023 + y
            before.append(codes[y - 1] if changed else "")
        code_y.append((codes[0], codes[1], codes[2]))
        name_y.append((titles[0], titles[1], titles[2]))
        type_y.append((kinds_i[0], kinds_i[1], kinds_i[2]))
        predecessor.append((before[0], before[1], before[2]))

    founded_year = np.where(open_year > 2000, open_year, g.integers(1952, 2021, n))
    planned = np.where(open_year > 2000, open_year - 3, founded_year - 1)
    # A fixed lattice with jitter: no two schools share a pair of coordinates.
    cell = g.permutation(n)
    side = int(np.ceil(np.sqrt(n)))
    lon = np.round(110.25 + 1.35 * (cell % side + 0.1 + 0.8 * g.random(n)) / side, 6)
    lat = np.round(22.65 + 1.55 * (cell // side + 0.1 + 0.8 * g.random(n)) / side, 6)
    attached = np.isin(kind, (PRIMARY, NINE)) & np.array(
        [u in ("210", "122", "220") for u in urban]
    )
    attached &= (g.random(n) < 0.12) & (open_year == 2000)
    for r in range(COUNTIES):  # every county has a long-standing nine-year school with 附设班
        old = np.flatnonzero((region == r) & (kind == NINE) & (change == 0))
        attached[old[:1]] = True
    return Schools(
        kind=kind,
        kind_y=kind_y,
        region=region,
        location=location,
        code_y=code_y,
        name_y=name_y,
        type_y=type_y,
        predecessor_y=predecessor,
        open_year=open_year,
        close_year=close_year,
        successor=successor,
        urban=urban,
        town=town_of,
        weight=weight,
        class_target=target,
        top_grade=g.integers(2, 5, n),
        organiser=organiser,
        inclusive=inclusive,
        attached_kg=attached,
        founded=[f"{y}09" for y in founded_year],
        planned=[str(y) for y in planned],
        lon=lon,
        lat=lat,
        phantom=[""] * n,
    )
