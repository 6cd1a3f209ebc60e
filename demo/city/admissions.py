"""The unified admissions platform: what its five tables hold, as ``_admissions/<table>.csv``.

``demo.admissions`` loads them into a database; column ``id`` is the primary key there, so that a
row's place in what the pipeline lands is its ``id`` plus the header.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from demo.city import people, world
from demo.city.ledger import Entry
from demo.city.rows import victims_per_kind
from demo.city.world import HAS_SENIOR, REGION_CODES, VOC, YEARS, Schools, rng

FOLDER = "_admissions"
Ints = NDArray[np.int64]
# Share of the year's entrants who came through the platform, by year of admission.
_ON_PLATFORM = (0.958, 0.969, 0.978)
# How many choices an applicant makes in the batches 1, 2 and 3.
_COMBINATIONS = np.array([(1, 1, 1), (2, 1, 0), (1, 2, 0), (2, 1, 1), (1, 2, 1), (2, 2, 1)])
_SLOT_BATCH = np.array([1, 1, 2, 2, 3])
_ACCEPTED, _DECLINED = "已确认", "已放弃"


@dataclass(frozen=True)
class Leaving:
    """Of one region by year: entrants (name, sex, id_number, student_no, at) and the number of
    graduates of every school of the city's list."""

    entrants: dict[int, pl.DataFrame]
    graduates: dict[int, Ints]


def leaving(pupils: people.RegionPupils, n_schools: int) -> Leaving:
    """Take from a region's pupils who entered and who left junior school in each year."""
    entrants = {}
    graduates = {}
    for year, frame in pupils.frames.items():
        new = frame["grade"].is_in(["高中一年级", "中职一年级"]) & (frame["status"] == "在读")
        entrants[year] = (
            frame.select("name", "sex", "id_number", "student_no")
            .with_columns(pl.Series("at", pupils.school_of_row[year]))
            .filter(new)
        )
        graduates[year] = np.zeros(n_schools, dtype=np.int64)
        graduates[year][pupils.ids] = pupils.counts[year].junior_graduates[:, 0]
    return Leaving(entrants, graduates)


def write_admissions(out: Path, schools: Schools, regions: list[Leaving], seed: int) -> list[Entry]:
    """Write the five tables of all years with their defects; ``regions`` in order 0 to 7."""
    parts: dict[str, list[pl.DataFrame]] = {}
    for year in YEARS:
        for name, frame in _year(schools, regions, year, seed).items():
            parts.setdefault(name, []).append(frame)
    tables = {
        name: pl.concat(frames).with_row_index("id", offset=1) for name, frames in parts.items()
    }
    entries = _plant(tables, schools, seed)
    folder = out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in tables.items():
        hidden = [column for column in frame.columns if column.startswith("_")]
        frame.drop(hidden).write_csv(folder / f"{name}.csv", line_terminator="\n")
    return entries


def _codes(schools: Schools, year: int) -> list[str]:
    return [code[year - 2023] for code in schools.code_y]


def _plans(schools: Schools, year: int, seed: int) -> tuple[pl.DataFrame, Ints]:
    """Return the year's plans and the batch of every school of the city (0: takes no part)."""
    g = rng(seed, 70, year)
    open_ = schools.listed(year)
    senior = np.isin(schools.kind, HAS_SENIOR) & open_
    quality = np.zeros(len(schools), dtype=bool)
    for region in range(8):
        here = np.flatnonzero(senior & (schools.region == region))
        best = here[np.argsort(-schools.weight[here], kind="stable")]
        quality[best[: 2 if region == world.COUNTIES and len(best) > 2 else 1]] = True
    batch = np.where(quality, 1, np.where(senior, 2, np.where(schools.kind == VOC, 3, 0)))
    batch = np.where(open_, batch, 0)
    at = np.flatnonzero(batch)
    return pl.DataFrame(
        {
            "admission_year": np.full(len(at), year),
            "school_code": [_codes(schools, year)[i] for i in at],
            "batch": batch[at],
            "_share": g.uniform(0.44, 0.58, len(at)) + 0.02 * (year - 2023),
            "_rural": g.uniform(0.45, 0.62, len(at)),
            "_at": at,
        }
    ), batch


def _finish_plans(plans: pl.DataFrame, taken: Ints, year: int) -> pl.DataFrame:
    """Plan a little more than was taken; quality schools give about half of it to junior schools.

    ``taken``: new pupils of every school of the city.
    """
    # Places are planned in classes of fifty.
    places = np.maximum(50, -(-taken[plans["_at"].to_numpy()] * 103 // 5000) * 50)
    is_quality = plans["batch"].to_numpy() == 1
    quota = np.round(places * plans["_share"].to_numpy()).astype(np.int64)
    rural = np.round(quota * plans["_rural"].to_numpy()).astype(np.int64)
    return plans.select(
        "admission_year",
        "school_code",
        "batch",
        pl.Series("plan_places", places),
        pl.Series("is_quality", is_quality),
        pl.Series("quota_places", np.where(is_quality, quota, 0)),
        pl.Series("rural_quota_places", np.where(is_quality, rural, 0)),
        pl.lit(f"{year}-06-30").alias("unified_from"),
        pl.lit(f"{year}-08-20").alias("unified_until"),
    )


def _juniors(
    g: np.random.Generator, schools: Schools, regions: list[Leaving], region_of: Ints, year: int
) -> tuple[Ints, Ints]:
    """Give every entrant a junior school to come from; also return who is left over.

    The entrants of a county come from its own schools, those of the city's schools from all.
    """
    graduates = np.sum([r.graduates[year] for r in regions], axis=0)
    pool = g.permutation(np.repeat(np.arange(len(schools)), graduates))
    used = np.zeros(len(pool), dtype=bool)
    junior = np.zeros(len(region_of), dtype=np.int64)
    for region in (*range(world.COUNTIES), world.COUNTIES):
        own = np.flatnonzero(region_of == region)
        free = np.flatnonzero(~used)
        if region != world.COUNTIES:
            free = free[schools.region[pool[free]] == region]
        if not len(own) or not len(free):
            continue
        picked = np.resize(free, len(own))  # the last graduates come twice where they are short
        used[picked] = True
        junior[own] = pool[picked]
    return junior, pool[~used]


def _year(
    schools: Schools, regions: list[Leaving], year: int, seed: int
) -> dict[str, pl.DataFrame]:
    """Draw one admission year; columns that begin with _ are for planting only."""
    g = rng(seed, 71, year)
    plans, batch_of = _plans(schools, year, seed)
    entrants = pl.concat([r.entrants[year] for r in regions])
    region_of = np.repeat(np.arange(8), [r.entrants[year].height for r in regions])
    taken = np.bincount(entrants["at"].to_numpy(), minlength=len(schools))
    plans = _finish_plans(plans, taken, year)
    through = g.random(entrants.height) < _ON_PLATFORM[year - 2023]
    entrants, region_of = entrants.filter(through), region_of[through]
    junior, left = _juniors(g, schools, regions, region_of, year)

    # Applicants: the entrants, then those who went elsewhere or nowhere.
    n_in, n = entrants.height, entrants.height + len(left)
    # Repeaters, a year older than everybody who enters: no two applicants share a number.
    serial = np.arange(len(left))
    born = people._dates(np.full(len(left), year - 17), serial // 1000 % 360)
    junior = np.concatenate([junior, left])
    county = np.where(schools.region[junior] == world.COUNTIES, world.HOST, schools.region[junior])
    applicants = pl.DataFrame(
        {
            "admission_year": np.full(n, year),
            "name": pl.concat([entrants["name"], people.names(g, len(left)).alias("name")]),
            "id_number": pl.concat(
                [
                    entrants["id_number"],
                    people.identity_numbers(np.full(len(left), 450499), born, serial % 1000).alias(
                        "id_number"
                    ),
                ]
            ),
            "sex": pl.concat([entrants["sex"], people.take(["女", "男"], serial % 2).alias("sex")]),
            "junior_school_code": people.take(_codes(schools, year), junior),
            "hukou_county": people.take(
                [*REGION_CODES, "441900", "450800"],
                np.where(g.random(n) < 0.03, 8 + g.integers(0, 2, n), county),
            ),
            "_left": np.arange(n) >= n_in,
            "_person": np.arange(n),
        }
    )
    score = np.where(np.arange(n) < n_in, 520, 430) + 85 * g.normal(size=n)
    score = np.round(np.clip(score, 60, 720) * 2) / 2
    absent = applicants["_left"].to_numpy() & (g.random(n) < 0.06)
    applicants = applicants.with_columns(
        pl.Series("score", [None if a else f"{s:.1f}" for a, s in zip(absent, score, strict=True)]),
        pl.Series("is_absent", absent),
    )
    number = g.permutation(n) + 1
    prefix = [f"{year % 100:02d}{code}" for code in REGION_CODES]
    applicants = applicants.with_columns(
        pl.concat_str(
            people.take(prefix, schools.region[junior]),
            pl.Series(number).cast(pl.String).str.zfill(6),
        ).alias("exam_no")
    )
    exam = applicants["exam_no"]

    slots = _choose(g, schools, batch_of, schools.region[junior], entrants["at"].to_numpy())
    codes = _codes(schools, year)
    person, slot = np.nonzero(slots >= 0)
    choices = pl.DataFrame(
        {
            "admission_year": np.full(len(person), year),
            "exam_no": exam.gather(person),
            "batch": _SLOT_BATCH[slot],
            "school_code": people.take(codes, slots[person, slot]),
            "_left": person >= n_in,
            "_slot": slot,
        }
    ).sort("exam_no", "_slot")
    choices = choices.with_columns(
        pl.int_range(1, pl.len() + 1)
        .over("admission_year", "exam_no", "batch")
        .alias("choice_order")
    )
    offers, registrations = _decide(g, schools, batch_of, slots, entrants, absent, exam, year)
    return {
        "adm_plan": plans,
        "adm_applicant": applicants.sort("exam_no").select(
            "admission_year", "exam_no", "name", "id_number", "sex", "junior_school_code",
            "hukou_county", "score", "is_absent", "_left",
        ),
        "adm_choice": choices.select(
            "admission_year", "exam_no", "batch", "choice_order", "school_code", "_left", "_slot"
        ),
        "adm_offer": offers,
        "adm_registration": registrations,
    }  # fmt: skip


def _choose(
    g: np.random.Generator, schools: Schools, batch_of: Ints, region: Ints, admitted: Ints
) -> Ints:
    """Return the chosen schools by slot (applicants, 5), -1 where none; the admitted come first."""
    n = len(region)
    count = _COMBINATIONS[g.integers(0, len(_COMBINATIONS), n)]
    slots = np.full((n, 5), -1)
    draw = g.random((n, 5))
    for r in range(8):
        own = np.flatnonzero(region == r)
        for batch in (1, 2, 3):
            options = np.flatnonzero(
                (batch_of == batch) & np.isin(schools.region, (r, world.COUNTIES))
            )
            if not len(options) or not len(own):
                continue
            for order, slot in enumerate(np.flatnonzero(_SLOT_BATCH == batch)):
                at = (draw[own, slot] * len(options)).astype(np.int64)
                wanted = count[own, batch - 1] > order
                slots[own[wanted], slot] = options[at[wanted]]
    first = np.array([0, 0, 2, 4])[batch_of[admitted]]
    slots[np.arange(len(admitted)), first] = admitted
    for slot in (1, 3):
        slots[:, slot] = np.where(slots[:, slot] == slots[:, slot - 1], -1, slots[:, slot])
    # A second choice without a first one moves up.
    for slot in (0, 2):
        moves = (slots[:, slot] < 0) & (slots[:, slot + 1] >= 0)
        slots[moves, slot] = slots[moves, slot + 1]
        slots[moves, slot + 1] = -1
    return slots


def _moment(g: np.random.Generator, year: int, batch: Ints) -> pl.Series:
    """Return when offers of a batch are made, all inside the unified dates."""
    first = np.array([0, 5, 15, 32])[np.minimum(batch, 3)]
    minutes = (first + g.integers(0, 9, len(batch))) * 1440
    minutes += g.integers(8 * 60, 18 * 60, len(batch))
    start = np.datetime64(f"{year}-07-01T00:00", "ms")
    return pl.Series(start + minutes.astype("timedelta64[m]")).dt.strftime("%Y-%m-%d %H:%M:%S")


def _decide(
    g: np.random.Generator,
    schools: Schools,
    batch_of: Ints,
    slots: Ints,
    entrants: pl.DataFrame,
    absent: NDArray[np.bool_],
    exam: pl.Series,
    year: int,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return offers and registrations; not everybody who accepts an offer comes."""
    at = entrants["at"].to_numpy()
    n_in, n = len(at), len(exam)
    codes = _codes(schools, year)

    def offers_of(person: Ints, school: Ints, status: str, left: bool) -> pl.DataFrame:
        batch = batch_of[school]
        return pl.DataFrame(
            {
                "admission_year": np.full(len(person), year),
                "exam_no": exam.gather(person),
                "school_code": people.take(codes, school),
                "batch": batch,
                "offered_at": _moment(g, year, batch),
                "status": pl.repeat(status, len(person), dtype=pl.String, eager=True),
                "_left": np.full(len(person), left),
                "_private": np.array([o == "999" for o in schools.organiser])[school],
            }
        )

    # Some decline another of their choices first, some of those had registered there.
    other = np.where(slots[:n_in] != at[:, None], slots[:n_in], -1).max(axis=1)
    declines = np.flatnonzero((other >= 0) & (g.random(n_in) < 0.04))
    # Of the others a quarter is offered its first choice, accepts and never comes.
    lost = np.flatnonzero((np.arange(n) >= n_in) & ~absent & (slots.max(axis=1) >= 0))
    lost = lost[g.random(len(lost)) < 0.25]
    first = slots[lost, (slots[lost] >= 0).argmax(axis=1)]
    offers = pl.concat(
        [
            offers_of(np.arange(n_in), at, _ACCEPTED, False),
            offers_of(declines, other[declines], _DECLINED, False),
            offers_of(lost, first, _ACCEPTED, True),
        ]
    ).sort("exam_no", "status", "batch", maintain_order=True)
    twice = declines[g.random(len(declines)) < 0.15]
    number = entrants["student_no"]
    late = g.integers(1, 6, n_in)
    has_number = pl.Series(g.random(n_in) >= 0.06)
    effective = pl.DataFrame(
        {
            "admission_year": np.full(n_in, year),
            "exam_no": exam.head(n_in),
            "school_code": people.take(codes, at),
            "student_no": pl.select(pl.when(has_number).then(number)).to_series(),
            "registered_on": people.take([f"{year}-09-0{d}" for d in range(1, 7)], late - 1),
            "status": pl.repeat("有效", n_in, dtype=pl.String, eager=True),
        }
    )
    cancelled = effective[twice].with_columns(
        people.take(codes, other[twice]).alias("school_code"),
        pl.lit(f"{year}-08-28").alias("registered_on"),
        pl.lit("注销").alias("status"),
        pl.lit(None, dtype=pl.String).alias("student_no"),
    )
    registrations = pl.concat([effective, cancelled]).sort(
        "exam_no", "registered_on", maintain_order=True
    )
    return offers, registrations


def _plant(tables: dict[str, pl.DataFrame], schools: Schools, seed: int) -> list[Entry]:
    """Spoil rows of the tables; every row carries one defect."""
    entries: list[Entry] = []
    g = rng(seed, 72)
    used: dict[str, set[int]] = {name: set() for name in tables}
    edits: dict[str, dict[str, dict[int, object]]] = {name: {} for name in tables}

    def choose(name: str, where: pl.Expr, least: int = 1) -> list[int]:
        rows = np.flatnonzero(tables[name].select(where).to_series().fill_null(False).to_numpy())
        rows = rows[~np.isin(rows, list(used[name]))]
        count = min(len(rows), max(least, victims_per_kind(tables[name].height, 2e-5)))
        picked = sorted(int(i) for i in g.choice(rows, size=count, replace=False))
        used[name].update(picked)
        return picked

    def spoil(name: str, row: int, column: str, value: object) -> None:
        edits[name].setdefault(column, {})[row] = value

    def note(name: str, row: int | None, column: str, kind: str, rule: str) -> None:
        dataset = f"{name}s"
        entries.append(
            Entry(
                dataset, "all", f"{dataset}.csv", "", None if row is None else row + 2, column,
                kind, rule,
            )
        )  # fmt: skip

    def value(name: str, row: int, column: str) -> object:
        return tables[name][column][row]

    name = "adm_plan"
    quality = (pl.col("batch") == 1) & (pl.col("admission_year") == YEARS[0])
    for row in choose(name, quality):
        spoil(name, row, "quota_places", int(str(value(name, row, "plan_places"))) + 50)
        note(name, row, "quota_places", "adp-quota-over-plan", "ADP-001")
    for row in choose(name, (pl.col("batch") == 1) & (pl.col("admission_year") > YEARS[0])):
        spoil(name, row, "rural_quota_places", int(str(value(name, row, "quota_places"))) + 1)
        note(name, row, "rural_quota_places", "adp-rural-over-quota", "ADP-002")
    for row in choose(name, pl.col("batch") > 1):
        spoil(name, row, "unified_until", f"{value(name, row, 'admission_year')}-05-20")
        note(name, row, "unified_until", "adp-dates-turned", "ADP-006")

    name = "adm_applicant"
    for row in choose(name, pl.col("is_absent")):
        spoil(name, row, "score", "0.0")
        spoil(name, row, "is_absent", False)
        note(name, row, "score", "ada-zero-not-absent", "ADA-001")
    for row in choose(name, pl.col("_left") & ~pl.col("is_absent")):
        spoil(name, row, "is_absent", True)
        note(name, row, "score", "ada-absent-with-score", "ADA-002")
    for row in choose(name, pl.col("_left")):
        spoil(name, row, "junior_school_code", f"3145{990000 + row % 10000:06d}")
        note(name, row, "junior_school_code", "ada-junior-unknown", "ADA-004")
    for year in YEARS[-1:]:
        pair = choose(name, pl.col("_left") & (pl.col("admission_year") == year), 2)[:2]
        for row in pair if len(pair) == 2 else []:
            spoil(name, row, "id_number", value(name, pair[0], "id_number"))
            note(name, row, "id_number", "ada-identity-twice", "ADA-005")

    name = "adm_choice"
    # Never the choices of those who are offered a place: those of the first slot stay as they are.
    for row in choose(name, pl.col("_left") & (pl.col("_slot") == 1)):
        used[name].add(row - 1)
        spoil(name, row, "school_code", value(name, row - 1, "school_code"))
        for twin in (row - 1, row):
            note(name, twin, "school_code", "adc-school-twice", "ADC-001")
    for row in choose(name, pl.col("_left") & (pl.col("_slot") == 4)):
        if row and value(name, row - 1, "exam_no") == value(name, row, "exam_no"):
            spoil(name, row, "school_code", f"3645{990000 + row % 10000:06d}")
            note(name, row, "school_code", "adc-school-unknown", "ADC-003")
    for row in choose(name, pl.col("_left") & pl.col("_slot").is_in([1, 3])):
        spoil(name, row, "choice_order", 7)
        note(name, None, "choice_order", "adc-order-gap", "ADC-101")

    name = "adm_offer"
    one_of_two = pl.col("status") == _DECLINED
    for row in choose(name, one_of_two):
        spoil(name, row, "status", _ACCEPTED)
        twin = next(
            i for i in (row - 1, row + 1)
            if value(name, i, "exam_no") == value(name, row, "exam_no")
        )  # fmt: skip
        used[name].add(twin)
        for accused in (row, twin):
            note(name, accused, "status", "ado-two-accepted", "ADO-001")
    for row in choose(name, pl.col("_left")):
        spoil(name, row, "batch", 4)
        note(name, row, "batch", "ado-without-choice", "ADO-002")
    for row in choose(name, pl.col("_private")):
        spoil(name, row, "offered_at", f"{value(name, row, 'admission_year')}-08-28 10:00:00")
        note(name, row, "offered_at", "ado-private-late", "ADO-003")

    name = "adm_registration"
    effective = (pl.col("status") == "有效") & (pl.len().over("admission_year", "exam_no") == 1)
    for row in choose(name, effective):
        spoil(
            name, row, "exam_no", f"{value(name, row, 'admission_year')}"[2:] + f"450499{row:06d}"
        )
        note(name, row, "exam_no", "adr-without-offer", "ADR-001")
    codes = sorted({str(c) for c in tables["adm_plan"]["school_code"]})
    for row in choose(name, effective):
        offered = tables["adm_offer"].filter(
            pl.col("exam_no") == str(value(name, row, "exam_no")),
        )["school_code"]
        there = [code for code in codes if code not in set(offered)]
        spoil(name, row, "school_code", there[row % len(there)])
        note(name, row, "school_code", "adr-other-school", "ADR-002")
    for row in choose(name, pl.col("status") == "注销"):
        spoil(name, row, "status", "有效")
        for twin in (row, row + 1):
            note(name, twin, "status", "adr-two-effective", "ADR-003")
    for name, columns in edits.items():
        frame = tables[name]
        for column, changed in columns.items():
            at = sorted(changed)
            series = frame[column].clone().scatter(at, [changed[i] for i in at])
            frame = frame.with_columns(series.alias(column))
        tables[name] = frame
    return entries
