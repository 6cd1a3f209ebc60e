"""Pupils of one region: cohorts that move up one grade a year, and the 学籍 rows they leave.

A person is drawn once, with the schools of all stages; a school year's list is the persons
whose grade falls into 1..12 then. Everything the statistics forms need is counted from the
same arrays, so 学籍 and 教基 agree by construction.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from demo.city import world
from demo.city.world import (
    COHORT,
    COUNTIES,
    HAS_SENIOR,
    JUNIOR,
    NINE,
    POINT,
    PRIMARY,
    SPECIAL,
    VOC,
    YEARS,
    Schools,
    rng,
)

Ints = NDArray[np.int64]

SURNAMES = list(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余"
    "于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛"
    "闫雷黎史龙陶贺顾毛郝龚邵万钱覃武戴孔莫汤甘植岑祝冼蒙霍"
)
GIVEN = list(
    "伟芳娜秀敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英华玉兰红玲建文志国春海燕梅琴云飞"
    "晓东宇浩鑫佳怡欣雨梓涵子轩一诺思语嘉豪俊辉婷雪萍慧颖琪瑶倩莹洁宁安康乐天昊然博"
    "睿哲铭泽皓熙晨曦诗韵雅琳妍彤可馨依萱钰珊梦婕凯航宏达永成才德仁义礼信智贤良㛃"
)
GRADES = (
    "小学一年级",
    "小学二年级",
    "小学三年级",
    "小学四年级",
    "小学五年级",
    "小学六年级",
    "初中一年级",
    "初中二年级",
    "初中三年级",
    "高中一年级",
    "高中二年级",
    "高中三年级",
    "中职一年级",
    "中职二年级",
    "中职三年级",
)
MINORITIES = ("壮族", "瑶族", "侗族", "苗族", "回族", "仫佬族", "毛南族", "土家族")
_FAR = (
    "440100000000",
    "440300000000",
    "440600000000",
    "441200000000",
    "431100000000",
    "520100000000",
)
_NEAR = ("450100000000", "450800000000", "450900000000", "450300000000", "451100000000")
ROADS = (
    "新兴",
    "西堤",
    "蝶山",
    "大学",
    "奥奇丽",
    "三龙",
    "政贤",
    "银湖",
    "富民",
    "文澜",
    "西江",
    "桂江",
)

STUDENT_HEADER = (
    "★学校标识码",
    "学校名称",
    "★姓名",
    "★性别",
    "★出生日期",
    "★身份证件类型",
    "★身份证件号",
    "全国学籍号",
    "★民族",
    "户口性质",
    "户口所在地行政区划码",
    "★年级",
    "★班级",
    "★入学年月",
    "入学方式",
    "★就读方式",
    "学生来源",
    "是否随迁子女",
    "是否农村留守儿童",
    "是否政府购买学位",
    "★学籍状态",
    "异动日期",
    "联系电话",
    "现住址",
    "成员1姓名",
    "成员1联系电话",
)
STUDENT_COLUMNS = (
    "school_code",
    "school_name",
    "name",
    "sex",
    "birth_date",
    "id_type",
    "id_number",
    "student_no",
    "ethnicity",
    "hukou_type",
    "hukou_region",
    "grade",
    "class_name",
    "entry_month",
    "entry_mode",
    "boarding",
    "source_type",
    "is_migrant",
    "is_left_behind",
    "is_purchased_place",
    "status",
    "status_date",
    "phone",
    "address",
    "guardian_name",
    "guardian_phone",
)
# Which 教基 sub-row a count belongs to; index 3 (复式班) is always empty.
FLAGS = (
    "总计",
    "#女",
    "#少数民族",
    "#复式班",
    "#寄宿生",
    "#随迁子女",
    "#外省迁入",
    "#本省外县迁入",
    "#进城务工人员随迁子女",
    "#农村留守儿童",
)


@dataclass
class YearCounts:
    """What the statistics of one school year need, by school (row of the region's list)."""

    enrolment: Ints  # (schools, 12 grades, 10 flags, all|female)
    preschool: Ints  # (schools, 10 flags, years of preschool 0..3) of grade 1
    primary_graduates: Ints  # (schools, 10 flags) who finished grade 6 the year before
    junior_graduates: Ints  # (schools, 10 flags) who finished grade 9 the year before
    class_sizes: dict[tuple[int, int], list[int]] = field(default_factory=dict)


@dataclass
class RegionPupils:
    """Pupils of a region: one frame per year and the counts behind them."""

    ids: Ints  # positions of the region's schools in the city's list
    frames: dict[int, pl.DataFrame]
    counts: dict[int, YearCounts]
    school_of_row: dict[int, Ints]  # city-wide school position per frame row


def take(values: list[str] | tuple[str, ...], index: NDArray[np.int64]) -> pl.Series:
    """Return values[index] as a text series."""
    return pl.Series(list(values), dtype=pl.String).gather(index)


_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])


def identity_numbers(area: Ints, ymd: Ints, serial: Ints) -> pl.Series:
    """Return 18-character numbers with the GB 11643 check character (ISO 7064 MOD 11-2)."""
    first = area * 10**11 + ymd * 1000 + serial
    total = np.zeros(len(first), dtype=np.int64)
    for i, weight in enumerate(_WEIGHTS):
        total += (first // 10 ** (16 - i)) % 10 * weight
    check = take(list("10X98765432"), total % 11)
    return pl.select(pl.concat_str(pl.Series(first).cast(pl.String), check)).to_series()


def assign_identities(
    g: np.random.Generator,
    ymd: Ints,
    male: NDArray[np.bool_],
    scale: float,
    low: float,
    high: float,
) -> pl.Series:
    """Return unique identity numbers with an area code that does not exist (4504 99, 98, ...).

    A part of the city may use the serial numbers between the fractions `low` and `high` of all
    500 x areas numbers a birth date and sex has, so that parts drawn apart never collide.
    """
    areas = max(1, min(18, int(np.ceil(scale / 2))))
    start, stop = int(low * 500 * areas), int(high * 500 * areas)
    room = stop - start
    key = ymd * 2 + male
    order = np.lexsort((g.random(len(key)), key))
    ordered = key[order]
    new = np.r_[True, ordered[1:] != ordered[:-1]]
    first = np.maximum.accumulate(np.where(new, np.arange(len(key)), 0))
    rank = np.arange(len(key)) - first
    if len(rank) and int(rank.max()) >= room:
        raise ValueError(f"more than {room} persons share a birth date; lower the scale")
    slot = np.empty(len(key), dtype=np.int64)
    shift = (ordered * 7919) % max(room, 1)
    slot[order] = start + (rank + shift) % room
    serial = 2 * (slot % 500) + male
    return identity_numbers(450499 - slot // 500, ymd, serial)


def names(g: np.random.Generator, n: int) -> pl.Series:
    """Return n synthetic personal names of two or three characters."""
    a = take(SURNAMES, g.integers(0, len(SURNAMES), n))
    b = take(GIVEN, g.integers(0, len(GIVEN), n))
    c = take([*GIVEN, *[""] * 40], g.integers(0, len(GIVEN) + 40, n))
    return pl.select(pl.concat_str(a, b, c)).to_series()


def phones(g: np.random.Generator, n: int) -> pl.Series:
    """Return phone-shaped numbers in a range no operator uses (1000...)."""
    return pl.Series(10_000_000_000 + g.integers(0, 10**7, n)).cast(pl.String)


def _dates(first: Ints, offset: Ints) -> Ints:
    """Return YYYYMMDD integers for `offset` days after 1 September of year `first`."""
    base = (first - 1970).astype("datetime64[Y]").astype("datetime64[D]") + 243
    leap = (first % 4 == 0).astype(int)
    day = base + leap + offset
    y = day.astype("datetime64[Y]")
    m = day.astype("datetime64[M]")
    return (
        (y.astype(int) + 1970) * 10_000
        + (m.astype(int) % 12 + 1) * 100
        + ((day - m.astype("datetime64[D]")).astype(int) + 1)
    ).astype(np.int64)


def cohort_size(year: int, region: int, scale: float) -> int:
    """Return how many children of a region reach school age in a year."""
    return max(6, round(COHORT[year] * scale * world.cohort_share(region)))


def _choose(g: np.random.Generator, schools: Schools, options: Ints, n: int) -> Ints:
    """Draw n schools among options, in proportion to their weights."""
    if len(options) == 0:
        return np.full(n, -1)
    weight = schools.weight[options]
    weight = np.minimum(weight, weight.mean() * 2.6)
    return options[np.searchsorted(np.cumsum(weight / weight.sum()), g.random(n) * 0.999999)]


def _relieve(g: np.random.Generator, schools: Schools, at: Ints, options: Ints, most: int) -> Ints:
    """Move pupils of a cohort away from schools that would get more than `most` of them."""
    for _ in range(8):
        count = np.bincount(at[at >= 0], minlength=len(schools))
        over = np.flatnonzero(count > most)
        roomy = options[count[options] < most * 0.6]
        if not len(over) or not len(roomy):
            break
        at = at.copy()
        for school in over:
            there = np.flatnonzero(at == school)
            excess = there[g.permutation(len(there))[: len(there) - most]]
            at[excess] = _choose(g, schools, roomy, len(excess))
    return at


def make_pupils(schools: Schools, region: int, scale: float, seed: int) -> RegionPupils:
    """Draw the pupils of a region and list them for the three school years."""
    g = rng(seed, 2, region)
    here = np.flatnonzero(schools.region == region)
    kind = schools.kind

    def of(*kinds: int, year: int = 2000) -> Ints:
        options = here[np.isin(kind[here], kinds) & (schools.open_year[here] <= year)]
        if kinds[0] == JUNIOR:  # a primary school that grows a junior part starts it then
            changed = np.array(
                [schools.kind_y[i, min(2, max(0, year - 2023))] == kind[i] for i in options]
            )
            options = options[changed] if len(options) else options
        return options

    special = of(SPECIAL)
    points = of(POINT)
    cohort_l, low_l, high_l, junior_l, senior_l = [], [], [], [], []
    senior_share = 0.885
    own = 0.72 if region != COUNTIES else 1.0
    for c in range(2012, 2026):
        n = cohort_size(c, region, scale)
        primaries = of(PRIMARY, NINE, world.TWELVE, year=c)
        juniors = of(JUNIOR, NINE, world.COMPLETE, world.TWELVE, year=c + 6)
        # Published rule: at most 20 classes in a grade.
        low = _relieve(g, schools, _choose(g, schools, primaries, n), primaries, 650)
        high = low.copy()
        if len(points):
            share = min(0.2, 9 * len(points) / max(1, n))
            at_point = g.random(n) < share
            spot = _choose(g, schools, points, n)
            low = np.where(at_point, spot, low)
            high = np.where(at_point, schools.successor[spot], high)
        junior = _choose(g, schools, juniors, n)
        stay = np.isin(kind[high], (NINE, world.TWELVE)) & (g.random(n) < 0.8)
        stay &= np.isin(high, of(JUNIOR, NINE, world.TWELVE, year=c + 6))
        junior = np.where(stay, high, junior)
        if len(special):
            here_special = g.random(n) < 0.0025
            pick = special[g.integers(0, len(special), n)]
            low = np.where(here_special, pick, low)
            high = np.where(here_special, pick, high)
            junior = np.where(here_special, pick, junior)
        junior = np.where(g.random(n) < 0.014, -1, junior)
        junior = np.where(stay & (junior < 0), high, junior)
        junior = _relieve(g, schools, junior, juniors, 750)
        goes = (g.random(n) < senior_share) & (junior >= 0)
        general = _choose(g, schools, of(*HAS_SENIOR), n)
        vocational = _choose(g, schools, of(VOC), n)
        senior = np.where((g.random(n) < 0.37) & (vocational >= 0), vocational, general)
        senior = np.where(goes & (g.random(n) < own) & (kind[junior] != SPECIAL), senior, -1)
        cohort_l.append(np.full(n, c))
        low_l.append(low)
        high_l.append(high)
        junior_l.append(junior)
        senior_l.append(senior)
    if region == COUNTIES:  # 28 % of the counties' seniors and half of 中职 study in the city
        for c in range(2012, 2017):
            n = max(12, round(COHORT[c] * scale * 0.96 * senior_share * 0.28))
            general = _choose(g, schools, of(*HAS_SENIOR), n)
            vocational = _choose(g, schools, of(VOC), n)
            none = np.full(n, -1)
            cohort_l.append(np.full(n, c))
            low_l.append(none)
            high_l.append(none)
            junior_l.append(none)
            senior_l.append(np.where((g.random(n) < 0.42) & (vocational >= 0), vocational, general))
    cohort = np.concatenate(cohort_l)
    low, high = np.concatenate(low_l), np.concatenate(high_l)
    junior, senior = np.concatenate(junior_l), np.concatenate(senior_l)
    n = len(cohort)

    male = g.random(n) < 0.525
    ymd = _dates(cohort - 7, g.integers(0, 365, n))
    share = np.cumsum([0.0, *[world.cohort_share(r) * 0.86 + 0.0 for r in range(7)], 0.14])
    number = assign_identities(g, ymd, male, scale, share[region], share[region + 1])
    # Who leaves, and in which grade (its list still shows the person with the new status).
    leave = np.full(n, 99)
    for grade in range(1, 13):
        risk = 0.0025 if grade <= 6 else 0.006 if grade <= 9 else 0.012
        leave = np.where((leave == 99) & (g.random(n) < risk), grade, leave)
    died = g.random(n) < 0.02
    # Who changes primary school inside the region, and before which grade.
    movers = (g.random(n) < 0.02) & (high >= 0) & (kind[high] != SPECIAL)
    move_grade = np.where(movers, g.integers(4, 7, n), 99)
    move_to = _choose(g, schools, of(PRIMARY, NINE), n)
    paused_grade = np.where(g.random(n) < 0.008, g.integers(1, 13, n), 99)
    key = g.random(n)
    preschool = np.searchsorted([0.006, 0.03, 0.12], g.random(n))
    minority_rate = 0.18 if region == 5 else 0.022
    minority = g.random(n) < minority_rate
    yao = 0.75 if region == 5 else 0.3
    which = np.where(g.random(n) < yao, 1, np.where(g.random(n) < 0.7, 0, g.integers(2, 8, n)))
    ethnicity = np.where(minority, which + 1, 0)
    u_board, u_migrant, u_left = g.random(n), g.random(n), g.random(n)
    from_far = g.random(n) < 0.35
    worker = g.random(n) < 0.9
    far = g.integers(0, len(_FAR), n)
    near = g.integers(0, len(_NEAR), n)

    home_code = world.REGION_CODES[region if region != COUNTIES else world.HOST]
    name = names(g, n)
    guardian = names(g, n)
    road = take(ROADS, g.integers(0, len(ROADS), n))
    house = pl.Series(g.integers(1, 400, n)).cast(pl.String)
    room = take(["号", "号2栋", "号,3单元", "号院"], np.searchsorted([0.6, 0.9, 0.91], g.random(n)))
    place = world.REGION_NAMES[region] if region != COUNTIES else "万秀区"
    persons = pl.DataFrame(
        {
            "name": name,
            "sex": take(["女", "男"], male.astype(np.int64)),
            "birth_date": pl.Series(ymd).cast(pl.String),
            "id_type": pl.repeat("居民身份证", n, dtype=pl.String, eager=True),
            "id_number": number,
            "student_no": pl.select(pl.concat_str(pl.lit("G"), number)).to_series(),
            "ethnicity": take(["汉族", *MINORITIES], ethnicity.astype(np.int64)),
            "phone": phones(g, n),
            "address": pl.select(
                pl.concat_str(pl.lit(f"广西梧州市{place}"), road, pl.lit("路"), house, room)
            ).to_series(),
            "guardian_name": pl.select(
                pl.concat_str(name.str.slice(0, 1), guardian.str.slice(1))
            ).to_series(),
            "guardian_phone": phones(g, n),
        }
    )
    position = np.full(len(schools) + 1, -1)
    position[here] = np.arange(len(here))
    rural = np.array([u in ("122", "210", "220") for u in schools.urban])
    private = np.array([o == "999" for o in schools.organiser])
    style = (np.arange(len(schools)) * 7) % 3
    resolve = {
        y: np.where(
            schools.close_year <= y, np.maximum(schools.successor, 0), np.arange(len(schools))
        )
        for y in YEARS
    }

    def school_at(grade: Ints, year: int) -> Ints:
        top = np.where(kind[low] == POINT, schools.top_grade[low], 6)
        primary = np.where(grade <= top, low, high)
        primary = np.where(grade >= move_grade, move_to, primary)
        at = np.select([grade <= 6, grade <= 9], [primary, junior], senior)
        listed = (grade >= 1) & (grade <= 12) & (leave >= grade) & (at >= 0)
        return np.where(listed, resolve[max(year, 2023)][at], -1)

    frames: dict[int, pl.DataFrame] = {}
    counts: dict[int, YearCounts] = {}
    school_of_row: dict[int, Ints] = {}
    for year in YEARS:
        grade = year - cohort + 1
        at = school_at(grade, year)
        rows = np.flatnonzero(at >= 0)
        rows = rows[np.lexsort((key[rows], grade[rows], at[rows]))]
        at_r, grade_r = at[rows], grade[rows]
        gone = leave[rows] == grade_r
        # classes: pupils of a school and grade in a fixed random order, dealt out in turn
        group = at_r * 16 + grade_r
        start = np.r_[True, group[1:] != group[:-1]]
        first = np.maximum.accumulate(np.where(start, np.arange(len(rows)), 0))
        rank = np.arange(len(rows)) - first
        group_no = np.cumsum(start) - 1
        group_size = np.bincount(group_no)
        target = schools.class_target[at_r[start]]
        # a crowded school opens no further class until it must; the others keep to their target
        classes = -(-group_size // target)
        fewer = np.maximum(1, group_size // target)
        classes = np.where((target > 50) & (group_size <= fewer * (target + 3)), fewer, classes)
        class_no = rank % classes[group_no]
        sizes = np.bincount(group_no * 64 + class_no, weights=~gone).astype(int)

        boarding_p = np.select(
            [grade_r <= 3, grade_r <= 6, grade_r <= 9],
            [0.0, np.where(rural[at_r], 0.12, 0.0), np.where(rural[at_r], 0.72, 0.35)],
            0.85,
        )
        boards = u_board[rows] < boarding_p
        migrant = (u_migrant[rows] < np.where(rural[at_r], 0.01, 0.085)) & (grade_r <= 9)
        outer = migrant & from_far[rows]
        left = rural[at_r] & (u_left[rows] < 0.24) & ~migrant & (grade_r <= 9)
        flags = [
            np.ones(len(rows), bool),
            ~male[rows],
            minority[rows],
            np.zeros(len(rows), bool),
            boards,
            migrant,
            outer,
            migrant & ~outer,
            migrant & worker[rows],
            left,
        ]
        local = position[at_r]
        shape = (len(here), 12, len(FLAGS), 2)
        enrolment = np.zeros(shape, dtype=np.int64)
        pre = np.zeros((len(here), len(FLAGS), 4), dtype=np.int64)
        for f, flag in enumerate(flags):
            for female in (0, 1):
                mask = flag & ~gone & (True if female == 0 else ~male[rows])
                enrolment[:, :, f, female] = np.bincount(
                    local[mask] * 12 + grade_r[mask] - 1, minlength=len(here) * 12
                ).reshape(len(here), 12)
            mask = flag & ~gone & (grade_r == 1)
            pre[:, f, :] = np.bincount(
                local[mask] * 4 + preschool[rows][mask], minlength=len(here) * 4
            ).reshape(len(here), 4)
        finished: list[Ints] = []
        for last in (6, 9):
            before = year - 1 - cohort + 1
            at_before = school_at(before, year - 1)
            done = np.flatnonzero((before == last) & (at_before >= 0) & (leave > last))
            ok = position[resolve[year][at_before[done]]]
            table = np.zeros((len(here), len(FLAGS)), dtype=np.int64)
            done_rural = rural[at_before[done]]
            mig = u_migrant[done] < np.where(done_rural, 0.01, 0.085)
            board_p = np.where(done_rural, 0.12 if last == 6 else 0.72, 0.0 if last == 6 else 0.35)
            of_which = [
                np.ones(len(done), bool),
                ~male[done],
                minority[done],
                np.zeros(len(done), bool),
                u_board[done] < board_p,
                mig,
                mig & from_far[done],
                mig & ~from_far[done],
                mig & worker[done],
                done_rural & (u_left[done] < 0.24) & ~mig,
            ]
            for f, flag in enumerate(of_which):
                table[:, f] = np.bincount(ok[flag], minlength=len(here))
            finished.append(table)
        count = YearCounts(enrolment, pre, finished[0], finished[1])
        heads = np.flatnonzero(start)
        for number_, head in enumerate(heads):
            part = sizes[number_ * 64 : number_ * 64 + classes[number_]]
            count.class_sizes[(int(at_r[head]), int(grade_r[head]))] = [int(v) for v in part if v]
        counts[year] = count

        y = year - 2023
        vocational_row = kind[at_r] == VOC
        grade_index = grade_r - 1 + np.where(vocational_row, 3, 0)
        in_stage = np.select([grade_r <= 6, grade_r <= 9], [grade_r - 1, grade_r - 7], grade_r - 10)
        digits = pl.Series(class_no + 1).cast(pl.String)
        zh = take(
            ["一", "二", "三", "四", "五", "六", "一", "二", "三", "一", "二", "三"], grade_r - 1
        )
        plain = pl.select(pl.concat_str(digits, pl.lit("班"))).to_series()
        round_ = pl.select(pl.concat_str(zh, pl.lit("("), digits, pl.lit(")班"))).to_series()
        three = pl.Series((in_stage + 1) * 100 + class_no + 1).cast(pl.String)
        class_name = pl.select(
            pl.when(pl.Series(style[at_r] == 0))
            .then(plain)
            .when(pl.Series(style[at_r] == 1))
            .then(round_)
            .otherwise(three)
        ).to_series()
        moved = (grade_r >= move_grade[rows]) & (grade_r <= 6)
        purchased = migrant & private[at_r] & (u_left[rows] < 0.8)
        month = rng(seed, 3, region, year).integers(0, 270, len(rows))
        left_on = _dates(np.full(len(rows), year), month)
        status = np.where(
            gone, np.where(died[rows], 3, 2), np.where(paused_grade[rows] == grade_r, 1, 0)
        )
        changed_on = pl.Series(left_on).cast(pl.String)
        hukou = pl.select(
            pl.when(pl.Series(outer))
            .then(take(_FAR, far[rows]))
            .when(pl.Series(migrant))
            .then(take(_NEAR, near[rows]))
            .otherwise(pl.lit(f"{home_code}000000"))
        ).to_series()
        codes = [c[y] for c in schools.code_y]
        titles = [t[y] for t in schools.name_y]
        yes_no = ["否", "是"]
        p = persons[rows]
        frames[year] = pl.DataFrame(
            {
                "school_code": take(codes, at_r),
                "school_name": take(titles, at_r),
                **{
                    c: p[c]
                    for c in (
                        "name",
                        "sex",
                        "birth_date",
                        "id_type",
                        "id_number",
                        "student_no",
                        "ethnicity",
                    )
                },
                "hukou_type": take(["非农业户口", "农业户口"], rural[at_r].astype(np.int64)),
                "hukou_region": hukou,
                "grade": take(GRADES, grade_index),
                "class_name": class_name,
                "entry_month": pl.Series((year - in_stage) * 100 + 9).cast(pl.String),
                "entry_mode": take(
                    ["就近入学", "统一招生考试/普通入学"], (grade_r >= 10).astype(np.int64)
                ),
                "boarding": take(["走读", "住校"], boards.astype(np.int64)),
                "source_type": take(["正常入学", "转入"], moved.astype(np.int64)),
                "is_migrant": take(yes_no, migrant.astype(np.int64)),
                "is_left_behind": take(yes_no, left.astype(np.int64)),
                "is_purchased_place": take(yes_no, purchased.astype(np.int64)),
                "status": take(["在读", "休学", "转出", "死亡"], status),
                "status_date": pl.select(
                    pl.when(pl.Series(status > 0)).then(changed_on).otherwise(None)
                ).to_series(),
                **{c: p[c] for c in ("phone", "address", "guardian_name", "guardian_phone")},
            }
        ).select(STUDENT_COLUMNS)
        school_of_row[year] = at_r
    return RegionPupils(here, frames, counts, school_of_row)
