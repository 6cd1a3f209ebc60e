"""Teachers and other staff of one region over three school years.

Each school and stage has a queue of persons ordered by age; a year employs a window of the
queue that moves on as the oldest retire, so that the same persons appear year after year.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from demo.city import people, world
from demo.city.people import Ints, RegionPupils, take
from demo.city.world import KG, POINT, SPECIAL, VOC, YEARS, Schools, rng

STAGES = ("学前教育", "小学", "初中", "普通高中", "中等职业教育", "特殊教育")
# Pupils per full-time teacher, near the published ratios.
RATIO = (13.2, 16.9, 13.3, 12.7, 18.8, 4.0)
DEGREES = ("博士研究生", "硕士研究生", "本科", "专科", "高中阶段", "高中以下")
COURSES = (
    "道德与法治",
    "语文",
    "数学",
    "外语",
    "科学",
    "历史",
    "地理",
    "体育与健康",
    "音乐",
    "美术",
    "艺术",
    "信息科技",
    "劳动",
    "综合实践活动",
    "其他",
    "当年不授课",
)
_COURSE_WEIGHT = (
    (0, 0, 0, 0, 0, 0, 0, 0.05, 0.12, 0.08, 0.1, 0, 0, 0, 0.65, 0),
    (
        0.06,
        0.335,
        0.255,
        0.07,
        0.045,
        0,
        0,
        0.073,
        0.038,
        0.037,
        0.004,
        0.025,
        0.012,
        0.013,
        0.018,
        0.015,
    ),
    (
        0.08,
        0.165,
        0.16,
        0.155,
        0.15,
        0.06,
        0.055,
        0.075,
        0.026,
        0.026,
        0.002,
        0.017,
        0.008,
        0.006,
        0.01,
        0.005,
    ),
    (
        0.08,
        0.15,
        0.15,
        0.15,
        0.22,
        0.065,
        0.06,
        0.05,
        0.017,
        0.017,
        0,
        0.02,
        0.004,
        0.005,
        0.009,
        0.003,
    ),
    (0.05, 0.1, 0.1, 0.08, 0.05, 0, 0, 0.05, 0.02, 0.02, 0.03, 0.1, 0.02, 0, 0.375, 0.005),
    (0.05, 0.2, 0.18, 0, 0, 0, 0, 0.1, 0.1, 0.1, 0, 0.02, 0.1, 0.05, 0.1, 0),
)
_DEGREE_WEIGHT = (
    (0, 0.003, 0.36, 0.575, 0.058, 0.004),
    (0, 0.02, 0.765, 0.213, 0.002, 0),
    (0, 0.05, 0.885, 0.065, 0, 0),
    (0.001, 0.135, 0.859, 0.005, 0, 0),
    (0.002, 0.10, 0.85, 0.048, 0, 0),
    (0, 0.03, 0.80, 0.17, 0, 0),
)
KINDS = ("专任教师", "行政人员", "教辅人员", "工勤人员")
BACKBONE = ("无", "校级", "县级", "市级", "自治区级", "国家级")
TEACHER_HEADER = (
    "★教师编号",
    "★姓名",
    "★性别",
    "★出生日期",
    "身份证件类型",
    "★身份证件号",
    "民族",
    "★学校标识码",
    "学校名称",
    "★岗位状态",
    "★教职工类别",
    "是否在编",
    "★任教学段",
    "任教学科",
    "★最高学历",
    "第一学历",
    "职称",
    "教师资格证种类",
    "教师资格证号码",
    "骨干教师级别",
    "骨干教师有效期至",
    "参加工作年月",
    "近五年培训学时",
    "联系电话",
)
TEACHER_COLUMNS = (
    "teacher_no",
    "name",
    "sex",
    "birth_date",
    "id_type",
    "id_number",
    "ethnicity",
    "school_code",
    "school_name",
    "post_status",
    "staff_type",
    "is_established",
    "teaching_stage",
    "subject",
    "highest_degree",
    "first_degree",
    "title",
    "certificate_type",
    "certificate_no",
    "backbone_level",
    "backbone_until",
    "work_start",
    "training_hours",
    "phone",
)
_CERTIFICATE = (
    "幼儿园教师资格",
    "小学教师资格",
    "初级中学教师资格",
    "高级中学教师资格",
    "中等职业学校教师资格",
    "小学教师资格",
)


@dataclass
class RegionStaff:
    """Staff of a region: one frame per year and the tables the statistics need."""

    frames: dict[int, pl.DataFrame]
    school_of_row: dict[int, Ints]
    j4149: dict[int, Ints]  # (schools, 5 rows, 8 columns)
    j4155: dict[int, Ints]  # (schools, 2 stages, 8 rows, 17 columns)


def pupils_by_stage(
    schools: Schools, pupils: RegionPupils, children: dict[int, Ints], year: int
) -> Ints:
    """Return pupils per school of the region and stage (6 columns like STAGES)."""
    e = pupils.counts[year].enrolment[:, :, 0, 0]
    kind = schools.kind[pupils.ids]
    table = np.zeros((len(pupils.ids), 6), dtype=np.int64)
    table[:, 0] = children[year]
    normal = kind != SPECIAL
    table[:, 1] = np.where(normal, e[:, :6].sum(axis=1), 0)
    table[:, 2] = np.where(normal, e[:, 6:9].sum(axis=1), 0)
    upper = e[:, 9:].sum(axis=1)
    table[:, 3] = np.where(kind == VOC, 0, upper)
    table[:, 4] = np.where(kind == VOC, upper, 0)
    table[:, 5] = np.where(normal, 0, e.sum(axis=1))
    return table


def make_staff(
    schools: Schools,
    pupils: RegionPupils,
    children: dict[int, Ints],
    region: int,
    scale: float,
    seed: int,
) -> RegionStaff:
    """Draw the staff of a region's schools; `children` are kindergarten children per school."""
    g = rng(seed, 4, region)
    here = pupils.ids
    n_here = len(here)
    kind = schools.kind[here]
    urban = np.array([schools.urban[i] in ("111", "112", "121") for i in here])
    factor = g.lognormal(0.0, 0.10, (n_here, 6)) * np.where(urban, 1.05, 0.93)[:, None]
    wanted = np.zeros((n_here, 6, 4, 3), dtype=np.int64)  # school, stage, staff kind, year
    for y, year in enumerate(YEARS):
        listed = schools.listed(year)[here]
        table = pupils_by_stage(schools, pupils, children, year)
        ratio = np.array(RATIO)[None, :] * factor
        ratio = np.where((kind == POINT)[:, None], 11.0, ratio)
        teachers = np.ceil(table / ratio - 0.3).astype(np.int64)
        least = np.where((kind == POINT)[:, None], 1, 2)
        teachers = np.where(table > 0, np.maximum(teachers, least), 0)
        # A small primary school still needs a teacher per class group.
        teachers[:, 1] = np.where(
            (kind != POINT) & (table[:, 1] > 0), np.maximum(teachers[:, 1], 5), teachers[:, 1]
        )
        teachers[:, 2] = np.where(table[:, 2] > 0, np.maximum(teachers[:, 2], 5), 0)
        wanted[:, :, 0, y] = teachers * listed[:, None]
        main = np.argmax(teachers, axis=1)
        total = teachers.sum(axis=1)
        rows = np.arange(n_here)
        busy = listed & (total > 0) & (kind != POINT)
        wanted[rows, main, 1, y] = np.where(busy, np.maximum(1, total * 0.05).astype(int), 0)
        wanted[rows, main, 2, y] = np.where(busy, (total * 0.035).astype(int), 0)
        helpers = np.where(kind == KG, 0.35, 0.05)
        wanted[rows, main, 3, y] = np.where(busy, (total * helpers).astype(int), 0)
    flat = wanted.reshape(-1, 3)
    used = np.flatnonzero(flat.max(axis=1))
    step = np.round(flat[used].max(axis=1) * 0.03).astype(int)
    depth = flat[used].max(axis=1) + 2 * step
    group = np.repeat(np.arange(len(used)), depth)
    n = len(group)
    first = np.r_[0, np.cumsum(depth)[:-1]]
    index = np.arange(n) - first[group]
    school, stage, staff = np.unravel_index(used[group], (n_here, 6, 4))
    age = np.where(staff == 3, g.integers(28, 60, n), g.integers(24, 60, n))
    age = age[np.lexsort((-age, group))]
    birth = people._dates(2024 - age, g.integers(0, 365, n))
    male = g.random(n) < np.array([0.03, 0.27, 0.40, 0.44, 0.45, 0.25])[stage]
    share = np.cumsum([0.0, *[world.cohort_share(r) * 0.86 for r in range(7)], 0.14])
    number = people.assign_identities(g, birth, male, scale, share[region], share[region + 1])
    lift = g.normal(0, 0.28, n_here)  # some schools have better-qualified staff than others
    degree_weight = np.array(_DEGREE_WEIGHT)[stage]
    tilt = np.exp(lift[school] + np.where(urban[school], 0.2, -0.2))
    degree_weight[:, :3] *= tilt[:, None]
    cum = np.cumsum(degree_weight / degree_weight.sum(axis=1, keepdims=True), axis=1)
    degree = np.minimum((g.random(n)[:, None] > cum).sum(axis=1), 5)
    degree = np.where(staff == 3, np.maximum(degree, g.integers(3, 6, n)), degree)
    first_degree = np.minimum(5, degree + np.where(g.random(n) < 0.35, 1, 0))
    arts = np.exp(g.normal(0, 0.25, n_here) + np.where(urban, 0.12, -0.15))
    course_weight = np.array(_COURSE_WEIGHT)[stage]
    course_weight[:, 7:11] *= arts[school][:, None]
    ccum = np.cumsum(course_weight / course_weight.sum(axis=1, keepdims=True), axis=1)
    course = np.minimum((g.random(n)[:, None] > ccum).sum(axis=1), 15)
    minority = g.random(n) < (0.17 if region == 5 else 0.025)
    ethnicity = np.where(minority, g.integers(1, 4, n), 0)
    established = g.random(n) < np.where(
        np.array([schools.organiser[i] == "999" for i in here])[school],
        0.0,
        np.where(kind[school] == KG, 0.55, 0.93),
    )
    certified = (g.random(n) < np.where(stage == 0, 0.97, 0.995)) & (staff == 0)
    quality = np.clip(np.exp(g.normal(0, 0.45, n_here)), 0.3, 2.2)
    u = g.random(n) / quality[school]
    bone = np.where(
        (staff == 0) & (stage > 0), 5 - np.searchsorted([0.002, 0.014, 0.055, 0.18, 0.28], u), 0
    )
    # No school shows more backbone teachers than the smaller of its 小学/初中 sheets has teachers.
    sheets = np.where(wanted[:, 1:3, 0, :] > 0, wanted[:, 1:3, 0, :], 10**6).min(axis=(1, 2))
    limit = (sheets * 0.7).astype(int)[school]
    holders = np.flatnonzero(bone > 0)
    order = holders[np.lexsort((g.random(len(holders)), school[holders]))]
    start_of = np.searchsorted(school[order], school[order])
    bone[order[np.arange(len(order)) - start_of >= limit[order]]] = 0
    hours = np.where(g.random(n) < 0.87, g.integers(360, 520, n), g.integers(150, 360, n))
    until = g.integers(2026, 2031, n)
    title_u = g.random(n)
    post_u = g.random(n)
    names = people.names(g, n)
    phone = people.phones(g, n)
    certificate = pl.Series(20_000_000_000_000_000 + g.integers(0, 10**15, n)).cast(pl.String)
    serial = pl.Series(10_000_000 * (region + 1) + np.arange(1, n + 1)).cast(pl.String)
    titles = ("正高级教师", "高级教师", "一级教师", "二级教师", "三级教师", "未定职级")

    result = RegionStaff({}, {}, {}, {})
    for y, year in enumerate(YEARS):
        start = y * step
        size = flat[used, y]
        listed_group = size > 0
        active = (index >= start[group]) & (index < (start + size)[group])
        retired = (index == start[group] - 1) & listed_group[group]
        rows = np.flatnonzero(active | retired)
        rows = rows[np.lexsort((index[rows], staff[rows], stage[rows], here[school[rows]]))]
        gone = retired[rows]
        now = age[rows] - (2025 - year)
        rank = np.where(
            now < 26,
            5,
            np.where(
                now < 32,
                3,
                np.where(
                    title_u[rows] < 0.006,
                    0,
                    np.where(
                        (now > 42) & (title_u[rows] < 0.30), 1, np.where(title_u[rows] < 0.85, 2, 3)
                    ),
                ),
            ),
        )
        post = np.where(
            gone, 1, np.where(post_u[rows] < 0.012, 3, np.where(post_u[rows] < 0.02, 2, 0))
        )
        teaching = staff[rows] == 0
        at = here[school[rows]]
        blank = pl.lit(None, dtype=pl.String)
        has_cert = pl.Series(certified[rows])
        has_bone = pl.Series(bone[rows] > 0)
        result.frames[year] = pl.DataFrame(
            {
                "teacher_no": pl.select(pl.concat_str(pl.lit("T"), serial[rows])).to_series(),
                "name": names[rows],
                "sex": take(["女", "男"], male[rows].astype(np.int64)),
                "birth_date": pl.Series(birth[rows]).cast(pl.String),
                "id_type": pl.repeat("居民身份证", len(rows), dtype=pl.String, eager=True),
                "id_number": number[rows],
                "ethnicity": take(["汉族", "壮族", "瑶族", "侗族"], ethnicity[rows]),
                "school_code": take([c[y] for c in schools.code_y], at),
                "school_name": take([c[y] for c in schools.name_y], at),
                "post_status": take(["在职", "退休", "借调", "交流"], post),
                "staff_type": take(KINDS, staff[rows]),
                "is_established": take(["否", "是"], established[rows].astype(np.int64)),
                "teaching_stage": take(STAGES, stage[rows]),
                "subject": pl.select(
                    pl.when(pl.Series(teaching)).then(take(COURSES, course[rows])).otherwise(blank)
                ).to_series(),
                "highest_degree": take(DEGREES, degree[rows]),
                "first_degree": take(DEGREES, first_degree[rows]),
                "title": pl.select(
                    pl.when(pl.Series(teaching)).then(take(titles, rank)).otherwise(blank)
                ).to_series(),
                "certificate_type": pl.select(
                    pl.when(has_cert).then(take(_CERTIFICATE, stage[rows])).otherwise(blank)
                ).to_series(),
                "certificate_no": pl.select(
                    pl.when(has_cert).then(certificate[rows]).otherwise(blank)
                ).to_series(),
                "backbone_level": take(BACKBONE, bone[rows]),
                "backbone_until": pl.select(
                    pl.when(has_bone)
                    .then(pl.Series(until[rows] * 10000 + 831).cast(pl.String))
                    .otherwise(blank)
                ).to_series(),
                "work_start": pl.Series(((2025 - age[rows] + 22) * 100 + 9).astype(np.int64)).cast(
                    pl.String
                ),
                "training_hours": pl.select(
                    pl.concat_str(pl.Series(hours[rows]).cast(pl.String), pl.lit("学时"))
                ).to_series(),
                "phone": phone[rows],
            }
        ).select(TEACHER_COLUMNS)
        result.school_of_row[year] = at

        on = ~gone
        local = school[rows]
        flags = [on, on & ~male[rows], on & minority[rows], on & established[rows]]
        t4149 = np.zeros((n_here, 5, 8), dtype=np.int64)
        for f, flag in enumerate(flags):
            by = np.bincount(local[flag] * 4 + staff[rows][flag], minlength=n_here * 4).reshape(
                n_here, 4
            )
            t4149[:, f, 1:5] = by
            t4149[:, f, 0] = by.sum(axis=1)
        result.j4149[year] = t4149
        t4155 = np.zeros((n_here, 2, 8, 17), dtype=np.int64)
        for s in (0, 1):
            mask = on & teaching & (stage[rows] == s + 1)
            cells = np.bincount(
                (local[mask] * 6 + degree[rows][mask]) * 16 + course[rows][mask],
                minlength=n_here * 96,
            ).reshape(n_here, 6, 16)
            t4155[:, s, 2:, 1:] = cells
            t4155[:, s, 0, 1:] = cells.sum(axis=1)
            mask &= ~male[rows]
            t4155[:, s, 1, 1:] = np.bincount(
                local[mask] * 16 + course[rows][mask], minlength=n_here * 16
            ).reshape(n_here, 16)
        t4155[:, :, :, 0] = t4155[:, :, :, 1:].sum(axis=3)
        result.j4155[year] = t4155
    return result
