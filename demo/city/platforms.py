"""What the three learning platforms hold: ``_platforms/<dataset>.jsonl``, served by demo.platforms.

Teachers and pupils are those of the city's lists. Identifiers begin with the region and count up,
so that a row's place in the full delivery (which is sorted by identifier) is known here.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from demo.city.ledger import Entry
from demo.city.people import Ints, take
from demo.city.world import YEARS, rng, school_year

FOLDER = "_platforms"
DATASETS = (
    "training_teachers", "training_records", "literacy_assessments", "course_catalog",
    "course_learning",
)  # fmt: skip
TESTED = ("小学五年级", "初中二年级")
_PROGRAMMES = ("新课标研修", "信息技术应用", "班主任工作", "师德师风", "学科教学", "心理健康")
_CATEGORIES = ("数字素养", "健康养生", "职业技能", "家庭教育", "岭南文化", "农业技术", "书画艺术")
_PROVIDERS = ("梧州开放大学", "梧州职业学院", "苍梧县社区学院", "岑溪市社区学院", "藤县社区学院")
_LEVELS = ("优秀", "良好", "合格", "不合格")
# Mean hours of a record and records a teacher, by school year: the platform began in 2023.
_HOURS = {2023: (1, 34), 2024: (2, 33), 2025: (2, 37)}
_TEMPLATES = {
    "training_teachers": '{"id":<id>,"teacher":{"no":<teacher_no>,"name":<name>,"mobile":<phone>},'
    '"school":{"code":<school_code>},"status":<status>,"registeredOn":<registered_on>',
    "training_records": '{"id":<id>,"teacher":{"no":<teacher_no>},"programme":{"name":<programme>},'
    '"startDate":<started_on>,"endDate":<ended_on>,"hours":<hours>,"auditStatus":<audit_status>',
    "literacy_assessments": '{"id":<id>,"student":{"no":<student_no>},"school":'
    '{"code":<school_code>},"schoolYear":<school_year>,"grade":<grade>,"attempt":<attempt>,'
    '"status":<status>,"score":<score>,"level":<level>,"testedOn":<tested_on>',
    "course_catalog": '{"id":<id>,"title":<title>,"category":<category>,"provider":{"name":'
    '<provider>},"onlineFrom":<online_from>,"onlineTo":<online_to>,"reusedFrom":<reused_from>',
    "course_learning": '{"id":<id>,"course":{"id":<course_id>},"learner":{"no":<learner_no>,'
    '"anonymous":<is_anonymous>},"startedAt":<started_at>,"minutes":<minutes>',
}
_TAIL = ',"isTest":<is_test>,"updated_at":<updated_at>,"is_deleted":<is_deleted>}'
# (column, kind, rule, what the cell becomes, which rows); None: null.
_DEFECTS: dict[str, tuple[tuple[str, str, str, object, pl.Expr], ...]] = {
    "training_teachers": (
        ("teacher_no", "trt-no-number", "TRT-003", None, pl.col("status") == "有效"),
        ("teacher_no", "trt-unknown-number", "TRT-004", "T99999999", pl.col("status") == "有效"),
        ("registered_on", "trt-clock-ahead", "TRT-006", "2098-03-01", pl.lit(True)),
        ("is_test", "trt-test-account", "TRT-002", True, pl.lit(True)),
    ),
    "training_records": (
        ("hours", "trr-more-than-a-day", "TRR-003", 1440.0, pl.lit(True)),
        ("hours", "trr-negative", "TRR-003", -8.0, pl.lit(True)),
        ("started_on", "trr-ends-before-it-starts", "TRR-004", "2098-03-01", pl.lit(True)),
        ("is_test", "trr-test-account", "TRR-002", True, pl.lit(True)),
    ),
    "literacy_assessments": (
        ("score", "lit-absent-is-zero", "LIT-004", 0.0, pl.col("status") == "缺考"),
        ("score", "lit-score-of-thousand", "LIT-003", 810.0, pl.col("status") == "已测"),
        ("level", "lit-no-level", "LIT-005", None, pl.col("status") == "已测"),
        ("tested_on", "lit-clock-ahead", "LIT-009", "2098-03-01", pl.lit(True)),
        ("is_test", "lit-test-account", "LIT-002", True, pl.lit(True)),
    ),
    "course_catalog": (
        ("online_to", "crs-ends-before-it-starts", "CRS-003", "2019-01-01", pl.lit(True)),
        ("is_test", "crs-test-course", "CRS-002", True, pl.lit(True)),
    ),
    "course_learning": (
        ("minutes", "lrn-longer-than-a-day", "LRN-003", 6000, pl.lit(True)),
        ("started_at", "lrn-clock-ahead", "LRN-004", "2098-03-01T08:00:00+08:00", pl.lit(True)),
        ("learner_no", "lrn-nobody", "LRN-005", None, ~pl.col("is_anonymous")),
        ("is_test", "lrn-test-account", "LRN-002", True, pl.lit(True)),
    ),
}


@dataclass(frozen=True)
class Part:
    """One region's records of one dataset; rows of ``entries`` count from 1 within the part."""

    dataset: str
    count: int
    entries: tuple[Entry, ...]


def write_region(
    out: Path,
    teachers: dict[int, pl.DataFrame],
    students: dict[int, pl.DataFrame],
    spoilt: Sequence[str],
    region: int,
    seed: int,
) -> list[Part]:
    """Write one region's profiles, training and assessments.

    ``spoilt`` are teacher numbers of the latest list that may not be published.
    """
    g = rng(seed, 60, region)
    profiles = _profiles(g, teachers, spoilt, region)
    pupils = _assessments(g, students, region)
    return [
        _write(out, g, "training_teachers", region, profiles, ("teacher_no", "trt-two-profiles")),
        _write(out, g, "training_records", region, _training(g, teachers, profiles, region)),
        _write(out, g, "literacy_assessments", region, pupils),
    ]


def write_city(out: Path, scale: float, seed: int) -> list[Part]:
    """Write courses and study events, which belong to no county."""
    g = rng(seed, 61)
    courses = _courses(g, max(40, round(400 * min(1.0, scale))))
    events = _learning(g, courses, max(600, round(30_000 * scale)))
    return [
        _write(out, g, "course_catalog", 9, courses, ("title", "crs-listed-twice")),
        _write(out, g, "course_learning", 9, events),
    ]


def join(out: Path, parts: Sequence[Part]) -> list[Entry]:
    """Put the regions' parts together and return the ledger with the rows of the delivery."""
    entries: list[Entry] = []
    for dataset in DATASETS:
        first = 2  # below the header
        with (out / FOLDER / f"{dataset}.jsonl").open("wb") as whole:
            for number, part in enumerate(p for p in parts if p.dataset == dataset):
                file = out / FOLDER / "parts" / f"{dataset}.{number}"
                with file.open("rb") as piece:
                    shutil.copyfileobj(piece, whole, 1 << 20)
                entries += [replace(e, row=(e.row or 0) + first - 1) for e in part.entries]
                first += part.count
    shutil.rmtree(out / FOLDER / "parts")
    return entries


def _days(first: str, offset: Ints) -> pl.Series:
    """Dates ``offset`` days after ``first``, as YYYY-MM-DD."""
    days = np.datetime64(first, "D").astype(np.int64) + offset
    return pl.Series(days).cast(pl.Int32).cast(pl.Date).dt.strftime("%Y-%m-%d")


def _ids(letter: str, region: int, n: int) -> pl.Series:
    numbers = pl.Series(10_000_000 * (region + 1) + np.arange(1, n + 1)).cast(pl.String)
    return pl.select(pl.concat_str(pl.lit(letter), numbers)).to_series()


def _changed(g: np.random.Generator, day: pl.Series) -> pl.Series:
    """A moment of the day after next: what was entered on ``day`` was checked by then."""
    n = len(day)
    # No two records of a part change at once: the order of a list is then that of its records.
    micro = 10**6 * (2 * 86_400 + 8 * 3600 + g.integers(0, 36_000, n)) + np.arange(n)
    moment = day.str.to_date().cast(pl.Datetime("us")).to_physical() + pl.Series(micro)
    text = moment.cast(pl.Datetime("us")).dt.strftime("%Y-%m-%dT%H:%M:%S%.6f")
    return text + "+08:00"


def _profiles(
    g: np.random.Generator, teachers: dict[int, pl.DataFrame], spoilt: Sequence[str], region: int
) -> pl.DataFrame:
    working = (pl.col("post_status") == "在职") & (pl.col("staff_type") == "专任教师")
    latest = teachers[YEARS[-1]].filter(working & ~pl.col("teacher_no").is_in(list(spoilt)))
    on = latest.filter(pl.Series(g.random(latest.height) < 0.945))
    gone = (
        teachers[YEARS[0]]
        .filter(working)
        .join(teachers[YEARS[-1]].filter(working), on="teacher_no", how="anti")
    )
    both = pl.concat(
        [on.with_columns(status=pl.lit("有效")), gone.with_columns(status=pl.lit("注销"))]
    )
    n = both.height
    waiting = pl.Series(g.random(n) < 0.012)
    day = _days("2023-09-04", g.integers(0, 900, n))
    return both.select("teacher_no", "name", "school_code", "phone", "status").with_columns(
        id=_ids("P", region, n),
        status=pl.when(waiting & (pl.col("status") == "有效"))
        .then(pl.lit("待完善"))
        .otherwise(pl.col("status")),
        registered_on=day,
        updated_at=_changed(g, day),
    )


def _training(
    g: np.random.Generator, teachers: dict[int, pl.DataFrame], profiles: pl.DataFrame, region: int
) -> pl.DataFrame:
    known = profiles["teacher_no"].implode()
    years = []
    for year in YEARS:
        times, mean = _HOURS[year]
        there = teachers[year].filter(
            (pl.col("post_status") == "在职")
            & (pl.col("staff_type") == "专任教师")
            & pl.col("teacher_no").is_in(known)
        )["teacher_no"]
        numbers = pl.Series(np.repeat(np.arange(len(there)), times))
        n = len(numbers)
        start = g.integers(0, 285, n)
        length = g.integers(4, 12, n)
        hours = np.round(np.clip(g.normal(mean, 9, n), 4, 90) * 2) / 2
        years.append(
            pl.DataFrame(
                {
                    "teacher_no": there.gather(numbers),
                    "programme": take(_PROGRAMMES, g.integers(0, len(_PROGRAMMES), n)),
                    "started_on": _days(f"{year}-09-05", start),
                    "ended_on": _days(f"{year}-09-05", start + length),
                    "hours": hours,
                    "audit_status": take(
                        ("通过", "待审", "不通过"), np.searchsorted([0.955, 0.985], g.random(n))
                    ),
                }
            )
        )
    frame = pl.concat(years)
    return frame.with_columns(
        id=_ids("R", region, frame.height), updated_at=_changed(g, frame["ended_on"])
    )


def _assessments(
    g: np.random.Generator, students: dict[int, pl.DataFrame], region: int
) -> pl.DataFrame:
    # Schools that closed or changed their code before the latest year took their results along.
    still = students[YEARS[-1]]["school_code"].unique().implode()
    years = []
    for year in YEARS[1:]:
        due = students[year].filter(
            pl.col("grade").is_in(list(TESTED))
            & (pl.col("status") == "在读")
            & pl.col("school_code").is_in(still)
        )
        due = due.filter(pl.Series(g.random(due.height) < (0.955 if year == YEARS[-1] else 0.93)))
        n = due.height
        ability = g.normal(0, 5, due["school_code"].n_unique())
        at = due["school_code"].rank("dense").to_numpy() - 1
        lift = 1.5 * (year - YEARS[-1])
        score = np.clip(g.normal(74 + lift, 11, n) + ability[at], 2, 100).round(1)
        absent = g.random(n) < 0.02
        first = due.select("student_no", "school_code", "grade").with_columns(
            school_year=pl.lit(school_year(year)),
            attempt=pl.lit(1),
            raw=pl.Series(score),
            absent=pl.Series(absent),
            tested_on=_days(f"{year + 1}-05-11", g.integers(0, 10, n)),
        )
        again = first.filter((pl.col("raw") < 60) & ~pl.col("absent"))
        again = again.filter(pl.Series(g.random(again.height) < 0.6))
        again = again.with_columns(
            attempt=pl.lit(2),
            raw=pl.Series(
                np.clip(again["raw"].to_numpy() + g.normal(9, 6, again.height), 2, 100).round(1)
            ),
            tested_on=_days(f"{year + 1}-06-08", g.integers(0, 5, again.height)),
        )
        years += [first, again]
    frame = pl.concat(years)
    level = np.searchsorted([10, 25, 40], 100 - frame["raw"].to_numpy(), side="right")
    return frame.with_columns(
        id=_ids("A", region, frame.height),
        status=pl.when("absent").then(pl.lit("缺考")).otherwise(pl.lit("已测")),
        score=pl.when(~pl.col("absent")).then("raw"),
        level=pl.when(~pl.col("absent")).then(take(_LEVELS, level)),
        updated_at=_changed(g, frame["tested_on"]),
    )


def _courses(g: np.random.Generator, n: int) -> pl.DataFrame:
    numbers = pl.Series(np.arange(1, n + 1)).cast(pl.String)
    category = take(_CATEGORIES, g.integers(0, len(_CATEGORIES), n))
    start = g.integers(0, 1000, n)
    ends = g.random(n) < 0.12
    day = _days("2023-03-01", start)
    reused = np.where((np.arange(n) > 5) & (g.random(n) < 0.06), g.integers(1, 6, n), 0)
    ids = _ids("C", 9, n)
    title = pl.concat_str(category, pl.lit("第"), numbers, pl.lit("讲"))
    return pl.DataFrame(
        {
            "id": ids,
            "title": pl.select(title).to_series(),
            "category": category,
            "provider": take(_PROVIDERS, g.integers(0, len(_PROVIDERS), n)),
            "online_from": day,
            "online_to": pl.select(
                pl.when(pl.Series(ends)).then(_days("2023-03-01", start + 300))
            ).to_series(),
            "reused_from": pl.select(
                pl.when(pl.Series(reused > 0)).then(ids.gather(pl.Series(reused)))
            ).to_series(),
            "updated_at": _changed(g, day),
        }
    )  # fmt: skip


def _learning(g: np.random.Generator, courses: pl.DataFrame, n: int) -> pl.DataFrame:
    # Three school years with growing use; learners come back.
    day = np.sort(np.floor(1030 * np.sqrt(g.random(n))).astype(np.int64))
    learner = g.integers(1, max(2, n // 4), n)
    anonymous = g.random(n) < 0.18
    date = _days("2023-09-01", day)
    clock = pl.Series(g.integers(8, 22, n)).cast(pl.String).str.zfill(2)
    numbers = pl.Series(10_000_000 + learner).cast(pl.String)
    return pl.DataFrame(
        {
            "id": _ids("E", 9, n),
            "course_id": courses["id"].gather(pl.Series(g.integers(0, courses.height, n))),
            "learner_no": pl.select(
                pl.when(pl.Series(~anonymous)).then(pl.concat_str(pl.lit("L"), numbers))
            ).to_series(),
            "is_anonymous": anonymous,
            "started_at": pl.select(
                pl.concat_str(date, pl.lit("T"), clock, pl.lit(":30:00+08:00"))
            ).to_series(),
            "minutes": g.integers(3, 95, n),
            "updated_at": _changed(g, date),
        }
    )


def _write(
    out: Path,
    g: np.random.Generator,
    dataset: str,
    region: int,
    frame: pl.DataFrame,
    twins: tuple[str, str] | None = None,
) -> Part:
    """Delete some records, spoil others and write the lines."""
    n = frame.height
    file = f"{dataset}/records.csv"
    each = max(1, min(6, n // 4000))
    order = g.permutation(n)
    taken = 0
    entries: list[Entry] = []
    edits: dict[str, list[tuple[int, object]]] = {}

    def pick(where: pl.Expr, count: int) -> list[int]:
        nonlocal taken
        fits = frame.select(where.alias("fits"))["fits"]
        if len(fits) == 1:
            fits = pl.repeat(bool(fits[0]), n, eager=True)
        found: list[int] = []
        while taken < n and len(found) < count:
            if fits[int(order[taken])]:
                found.append(int(order[taken]))
            taken += 1
        return found

    def note(row: int, column: str, kind: str, rule: str) -> None:
        entries.append(Entry(dataset, "all", file, "", row + 1, column, kind, rule))

    frame = frame.with_columns(is_test=pl.lit(False), is_deleted=pl.lit(False))
    for column, kind, rule, value, where in _DEFECTS[dataset]:
        for row in pick(where, each):
            edits.setdefault(column, []).append((row, value))
            note(row, column, kind, rule)
    if twins is not None:
        column, kind = twins
        rule, status = ("TRT-005", pl.col("status") == "有效") if region < 9 else (
            "CRS-004", pl.col("reused_from").is_null())  # fmt: skip
        pair = pick(status, 2)
        if len(pair) == 2:
            for name in ("title", "provider") if region == 9 else (column,):
                edits.setdefault(name, []).append((pair[1], frame[name][pair[0]]))
            for row in pair:
                note(row, column, kind, rule)
    for column, changes in edits.items():
        values = frame[column].to_list()
        for row, value in changes:
            values[row] = value
        frame = frame.with_columns(pl.Series(column, values, dtype=frame.schema[column]))
    gone = np.zeros(n, dtype=bool)
    gone[order[taken : taken + n // 250]] = True
    frame = frame.with_columns(is_deleted=pl.Series(gone))
    blank = [c for c in frame.columns if c not in ("id", "updated_at", "is_deleted", "is_test")]
    frame = frame.with_columns(
        pl.when(~pl.col("is_deleted")).then(pl.col(c)).alias(c) for c in blank
    )
    parts = re.split(r"<(\w+)>", _TEMPLATES[dataset] + _TAIL)
    line = pl.concat_str(
        pl.lit(part) if index % 2 == 0 else _json(frame, part) for index, part in enumerate(parts)
    )
    folder = out / FOLDER / "parts"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{dataset}.{region % 9}"
    path.write_text(
        "\n".join(frame.select(line.alias("line"))["line"]) + "\n" if n else "", "utf-8"
    )
    return Part(dataset, n, tuple(entries))


def _json(frame: pl.DataFrame, column: str) -> pl.Expr:
    text = pl.col(column).cast(pl.String)
    if frame.schema[column] == pl.String:
        text = pl.concat_str(pl.lit('"'), text, pl.lit('"'))
    return text.fill_null("null")
