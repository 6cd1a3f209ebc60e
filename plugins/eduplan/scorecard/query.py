"""Reads what the scorecard shows; the page and the terminal share these objects and nothing else.

Everything here is a count, a ratio or an amount of money: no person, no row of a source file.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from importlib import resources
from typing import Any

import psycopg
from psycopg.rows import dict_row

from eduplan.errors import EduplanError
from eduplan.scorecard import names

STATUSES = (
    "off_track", "at_risk", "on_track", "met", "incomplete", "not_yet", "no_target", "suppressed",
    "no_data",
)  # fmt: skip
"""Every status, worst first; the last five are never judged."""
JUDGED = frozenset({"met", "on_track", "at_risk", "off_track"})
"""Statuses that count in a denominator."""
FINAL_YEAR = 2027
_COUNTY_LEVELS = frozenset({"county", "city_run"})


@dataclass(frozen=True)
class Point:
    """One value of one indicator in one period; ``year`` is the year the period starts in."""

    year: int
    period: str
    value: float


@dataclass(frozen=True)
class Cell:
    """One indicator in one region at the indicator's latest period.

    ``distance`` is in the indicator's unit and negative when the region lags; ``distance_pct`` is
    the same as a share of the plan's whole step (final target less baseline), in percent.
    """

    region_code: str
    region_name: str
    period: str
    period_year: int
    value: float | None
    coverage_pct: float | None
    baseline: float | None
    final_target: float | None
    trajectory: float | None
    distance: float | None
    distance_pct: float | None
    progress_pct: float | None
    status: str

    @property
    def judged(self) -> bool:
        """Whether this cell counts: it has a value and a target."""
        return self.status in JUDGED


@dataclass(frozen=True)
class Part:
    """The city's latest value of one part of an indicator."""

    code: str
    name: str
    unit: str
    value: float
    threshold_met: bool | None


@dataclass(frozen=True)
class Benchmark:
    """A published figure of the same definition; ``stage`` is empty for the whole indicator."""

    area: str
    year: int
    value: float
    stage: str
    city_value: float | None


@dataclass(frozen=True)
class Projection:
    """Value to expect in the final year with its 95 % prediction interval, from ``points`` years.

    ``outlook`` is ``likely``, ``open`` or ``unlikely`` to meet the target, empty without one.
    """

    value: float
    low: float
    high: float
    points: int
    outlook: str


@dataclass(frozen=True)
class Verdict:
    """What the other version of an amended plan says; ``is_original`` when that is the original."""

    version: str
    is_original: bool
    status: str
    target: float | None


@dataclass(frozen=True)
class Context:
    """What stands beside the city's value of an indicator; every part may be absent."""

    benchmarks: tuple[Benchmark, ...] = ()
    international: tuple[str, str] | None = None
    """International indicator and how near ours is to it."""
    projection: Projection | None = None
    verdict: Verdict | None = None
    gpi: float | None = None


@dataclass(frozen=True)
class TaskOwner:
    """Tasks of one lead department at the newest report."""

    owner: str
    tasks: int
    due: int
    on_time: int
    overdue: int


@dataclass(frozen=True)
class Indicator:
    """One indicator of the plan: the city's latest cell, its past and its counties."""

    code: str
    action_code: str
    name: str
    name_zh: str
    unit: str
    direction: str
    city: Cell
    baseline_year: int | None
    targets: tuple[tuple[int, float], ...]
    threshold: float | None
    threshold_op: str | None
    threshold_met: bool | None
    no_data_reason: str
    definition: str
    source_document: str
    history: tuple[Point, ...]
    counties: tuple[Cell, ...]
    band: tuple[float, float] | None = None
    """Lower and upper end of the target when it is a band (unit of the indicator)."""
    parts: tuple[Part, ...] = ()
    """What the indicator is made of (seven dispersions …): shown under it, never counted."""
    context: Context = Context()

    @property
    def judged(self) -> bool:
        """Whether the indicator counts in the sentence and the tallies."""
        return self.city.judged

    def numbers(self) -> tuple[float, ...]:
        """All numbers of the city row, so that they are written with the same decimals."""
        cell = self.city
        own = (cell.value, cell.baseline, cell.final_target, cell.trajectory, self.threshold)
        return tuple(n for n in own if n is not None)


@dataclass(frozen=True)
class Action:
    """One action (or the safeguards) of the plan with its indicators in registry order."""

    code: str
    name: str
    indicators: tuple[Indicator, ...]


@dataclass(frozen=True)
class Region:
    """A county with how many of its judged indicators have each status."""

    code: str
    name: str
    counts: Mapping[str, int]

    @property
    def judged(self) -> int:
        """Indicators of this county that have a value and a target."""
        return sum(n for status, n in self.counts.items() if status in JUDGED)

    @property
    def lagging(self) -> int:
        """Indicators of this county that are off track."""
        return self.counts.get("off_track", 0)


@dataclass(frozen=True)
class SourceQuality:
    """What became of one dataset's deliveries; counts are over its published batches."""

    dataset: str
    title: str
    latest_period: str | None
    published_at: datetime | None
    periods: int
    rows: int
    quarantined: int
    open_rows: int
    oldest_open_at: datetime | None
    warnings: int
    rejected_files: int
    held: int
    failed: int


@dataclass(frozen=True)
class HeldBatch:
    """A batch that waits for a person."""

    batch_id: int
    dataset: str
    title: str
    period: str
    reason: str
    since: datetime | None


@dataclass(frozen=True)
class Missing:
    """Units of a county that an indicator expected in its latest period and did not get."""

    region_code: str
    region_name: str
    period: str
    indicator_code: str
    missing: int
    expected: int


@dataclass(frozen=True)
class OldestAlert:
    """The alert that has been open longest, and how many are open."""

    kind: str
    title: str
    subject: str
    opened_at: datetime
    open_count: int
    critical_count: int


@dataclass(frozen=True)
class Quality:
    """Data quality as the page shows it; ``absent`` are contract titles with no published batch."""

    sources: tuple[SourceQuality, ...] = ()
    held: tuple[HeldBatch, ...] = ()
    missing: tuple[Missing, ...] = ()
    absent: tuple[str, ...] = ()
    alert: OldestAlert | None = None

    @property
    def open_rows(self) -> int:
        """Quarantined rows nobody has settled yet."""
        return sum(s.open_rows for s in self.sources)

    @property
    def oldest_open(self) -> SourceQuality | None:
        """The dataset whose oldest open row has waited longest."""
        waiting = [s for s in self.sources if s.oldest_open_at is not None]
        return min(waiting, key=lambda s: (s.oldest_open_at, s.dataset), default=None)


@dataclass(frozen=True)
class Scorecard:
    """Everything the page and the terminal show, for one plan version in one language."""

    lang: str
    plan_version: str
    plan_name: str
    is_demonstration: bool
    as_of: datetime | None
    periods: tuple[str, ...]
    actions: tuple[Action, ...]
    regions: tuple[Region, ...]
    quality: Quality = field(default_factory=Quality)
    tasks: tuple[TaskOwner, ...] = ()
    tasks_as_of: date | None = None

    @property
    def indicators(self) -> tuple[Indicator, ...]:
        """All indicators, action by action."""
        return tuple(i for action in self.actions for i in action.indicators)

    @property
    def counts(self) -> dict[str, int]:
        """How many indicators have each status, for the city."""
        tally = dict.fromkeys(STATUSES, 0)
        for indicator in self.indicators:
            tally[indicator.city.status] = tally.get(indicator.city.status, 0) + 1
        return tally

    @property
    def judged(self) -> int:
        """The denominator: indicators with a value and a target."""
        return sum(1 for i in self.indicators if i.judged)

    @property
    def latest_year(self) -> int:
        """The year that the page's data periods start in; 0 without data."""
        return max((int(period[:4]) for period in self.periods), default=0)

    def worst(self, count: int = 2) -> tuple[Indicator, ...]:
        """Return the indicators furthest below their trajectory, worst first.

        Units differ, so they are compared by the share of the plan's step that is missing; an
        indicator whose target equals its baseline has no such share and comes after the others.
        """
        behind = [i for i in self.indicators if i.judged and (i.city.distance or 0) < 0]
        behind.sort(
            key=lambda i: (
                i.city.distance_pct is None,
                i.city.distance_pct if i.city.distance_pct is not None else 0.0,
                i.code,
            )
        )
        return tuple(behind[:count])


def load_scorecard(
    conn: psycopg.Connection[Any],
    plan_version: str,
    lang: str = "zh",
    titles: Mapping[str, str] | None = None,
    *,
    synthetic_data: bool = False,
) -> Scorecard:
    """Read the scorecard of ``plan_version`` from ``marts.ind_progress``, ``ops`` and ``quality``.

    ``lang`` is ``zh`` or ``en``. ``titles`` maps every dataset with a contract to the title people
    know it by; a dataset in it that never published anything is named as not connected.
    ``synthetic_data`` marks the page as a demonstration even if the plan version is a real one.
    Raises ``EduplanError`` when the warehouse is not built or knows no such plan version.
    """
    if lang not in ("zh", "en"):
        raise EduplanError(f"unknown language {lang!r}", hint="use zh or en")
    try:
        rows = _rows(conn, "progress", {"plan_version": plan_version})
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
        conn.rollback()
        raise EduplanError(
            "the warehouse has no marts.ind_progress yet", hint="run `eduplan build` first"
        ) from error
    if not rows:
        known = ", ".join(r["plan_version"] for r in _rows(conn, "plan_versions")) or "none"
        raise EduplanError(
            f"no plan version {plan_version!r} in marts.ind_progress (known: {known})",
            hint="set EDUPLAN_PLAN_VERSION to a known one or add it to the seeds and build again",
        )
    english = _english(conn, plan_version) if lang == "en" else {}
    actions = _actions(
        rows, lang, english, _parts(conn, lang), _contexts(conn, plan_version, rows, lang)
    )
    tasks = _optional(conn, "tasks")
    as_of_row = _rows(conn, "as_of")[0]
    return Scorecard(
        lang=lang,
        plan_version=plan_version,
        plan_name=english.get("", rows[0]["plan_name_zh"]),
        is_demonstration=synthetic_data or any(r["is_demonstration"] for r in rows),
        as_of=as_of_row["coalesce"],
        periods=_latest_periods(actions),
        actions=actions,
        regions=_regions(actions),
        quality=_quality(conn, plan_version, titles or {}, lang),
        tasks=tuple(
            TaskOwner(r["owner_name"] or "—", r["tasks"], r["due"], r["on_time"], r["overdue"])
            for r in tasks
        ),
        tasks_as_of=max((r["as_of_date"] for r in tasks if r["as_of_date"]), default=None),
    )


def _rows(
    conn: psycopg.Connection[Any], name: str, params: Mapping[str, object] | None = None
) -> list[dict[str, Any]]:
    query = (resources.files(__package__) / "sql" / f"{name}.sql").read_bytes()
    with conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(query, params).fetchall()


def _optional(
    conn: psycopg.Connection[Any], name: str, params: Mapping[str, object] | None = None
) -> list[dict[str, Any]]:
    """Rows of a query on tables that an installation may lack: none then."""
    try:
        with conn.transaction():
            return _rows(conn, name, params)
    except (
        psycopg.errors.UndefinedTable,
        psycopg.errors.UndefinedColumn,
        psycopg.errors.InvalidSchemaName,
    ):
        return []


def _english(conn: psycopg.Connection[Any], plan_version: str) -> dict[str, str]:
    """English names by action code, and the plan's own under the empty key."""
    rows = _optional(conn, "english", {"plan_version": plan_version})
    return {r["code"]: r["name"] for r in rows if r["name"]}


def _parts(conn: psycopg.Connection[Any], lang: str) -> dict[str, tuple[Part, ...]]:
    found: dict[str, tuple[Part, ...]] = {}
    for r in _optional(conn, "details"):
        name = (r["indicator_name_en"] if lang == "en" else None) or r["indicator_name_zh"]
        part = Part(r["indicator_code"], name, r["unit"], float(r["value"]), r["threshold_met"])
        found[r["parent_code"]] = (*found.get(r["parent_code"], ()), part)
    return found


def _contexts(
    conn: psycopg.Connection[Any],
    plan_version: str,
    rows: Sequence[Mapping[str, Any]],
    lang: str,
) -> dict[str, Context]:
    """Everything that stands beside a value, by indicator; absent marts give nothing."""
    plan = {"plan_version": plan_version}
    newest: dict[str, tuple[int, str]] = {}
    for row in rows:
        if row["region_level"] == "city":
            found = (row["period_year"] or 0, str(row["period"] or ""))
            newest[row["indicator_code"]] = max(found, newest.get(row["indicator_code"], (0, "")))
    benchmarks: dict[str, list[Benchmark]] = {}
    for r in _optional(conn, "benchmarks"):
        stage = "" if r["stage"] == "all" else r[f"stage_name_{lang}"]
        benchmarks.setdefault(r["indicator_code"], []).append(
            Benchmark(
                r["area"], r["period_year"], float(r["value"]), stage, _number(r["city_value"])
            )
        )
    matches = {
        r["indicator_code"]: (r["international_indicator"], r["match_status"])
        for r in _optional(conn, "matches")
    }
    projections = {
        r["indicator_code"]: Projection(
            float(r["projected_value"]),
            float(r["interval_low"]),
            float(r["interval_high"]),
            r["point_count"],
            r["outlook"] or "",
        )
        for r in _optional(conn, "projections", plan)
    }
    verdicts = {
        r["indicator_code"]: Verdict(
            r["other_version"], r["is_original"], r["status"], _number(r["target"])
        )
        for r in _optional(conn, "amendments", plan)
        if r["period"] == newest.get(r["indicator_code"], (0, ""))[1]
    }
    parity = {
        r["indicator_code"]: float(r["gpi"])
        for r in _optional(conn, "parity")
        if r["period"] == newest.get(r["indicator_code"], (0, ""))[1]
    }
    return {
        code: Context(
            tuple(benchmarks.get(code, ())),
            matches.get(code),
            projections.get(code),
            verdicts.get(code),
            parity.get(code),
        )
        for code in newest
    }


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (Decimal, float, int)) else None


def _actions(
    rows: Iterable[Mapping[str, Any]],
    lang: str,
    english: Mapping[str, str],
    parts: Mapping[str, tuple[Part, ...]],
    contexts: Mapping[str, Context],
) -> tuple[Action, ...]:
    by_code: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_code.setdefault(row["indicator_code"], []).append(row)
    grouped: dict[str, list[Indicator]] = {}
    names: dict[str, str] = {}
    for code in by_code:
        own = by_code[code]
        indicator = _indicator(code, own, lang)
        if indicator is None:
            continue
        grouped.setdefault(indicator.action_code, []).append(indicator)
        names[indicator.action_code] = own[0]["action_name_zh"] or ""
    ordered = sorted(grouped, key=lambda c: (not c.isdigit(), int(c) if c.isdigit() else 0, c))
    return tuple(
        Action(
            c,
            english.get(c, names[c]),
            tuple(
                replace(i, parts=parts.get(i.code, ()), context=contexts.get(i.code, Context()))
                for i in grouped[c]
            ),
        )
        for c in ordered
    )


def _indicator(code: str, rows: Sequence[Mapping[str, Any]], lang: str) -> Indicator | None:
    city_rows = [r for r in rows if r["region_level"] == "city"]
    if not city_rows:
        return None
    # A registry row without any value carries no year of its own: real years win over it.
    latest = max(city_rows, key=lambda r: (r["period_year"] or 0, r["value"] is not None))
    cell = _cell(latest, lang)
    counties = tuple(
        _cell(r, lang)
        for r in rows
        if r["region_level"] in _COUNTY_LEVELS and r["period_year"] == latest["period_year"]
    )
    targets = tuple(
        (year, number)
        for year in (2025, 2026, FINAL_YEAR)
        if (number := _number(latest[f"target_{year}"])) is not None
    )
    low, high = _number(latest["band_low"]), _number(latest["band_high"])
    name = latest["indicator_name_en"] if lang == "en" else None
    return Indicator(
        code=code,
        action_code=str(latest["action_code"]),
        name=name or latest["indicator_name_zh"],
        name_zh=latest["indicator_name_zh"],
        unit=latest["unit"] or "",
        direction=latest["direction"] or "",
        city=cell,
        baseline_year=latest["baseline_year"],
        targets=targets,
        threshold=_number(latest["threshold_value"]),
        threshold_op=latest["threshold_op"],
        threshold_met=latest["threshold_met"],
        no_data_reason=latest["no_data_reason"] or "",
        definition=latest["definition_zh"] or "",
        source_document=latest["source_document"] or "",
        history=tuple(
            Point(r["period_year"], r["period"], float(r["value"]))
            for r in sorted(city_rows, key=lambda r: r["period_year"] or 0)
            if r["value"] is not None and r["period_year"] is not None
        ),
        counties=counties,
        band=None if low is None or high is None else (low, high),
    )


def _cell(row: Mapping[str, Any], lang: str) -> Cell:
    code = str(row["region_code"])
    return Cell(
        region_code=code,
        region_name=names.region(code, row["region_name"], lang),
        period=str(row["period"] or ""),
        period_year=row["period_year"] or 0,
        value=_number(row["value"]),
        coverage_pct=_number(row["coverage_pct"]),
        baseline=_number(row["baseline_value"]),
        final_target=_number(row[f"target_{FINAL_YEAR}"]),
        trajectory=_number(row["trajectory_value"]),
        distance=_number(row["distance"]),
        distance_pct=_number(row["distance_pct"]),
        progress_pct=_number(row["progress_pct"]),
        status=row["status"],
    )


def _latest_periods(actions: Sequence[Action]) -> tuple[str, ...]:
    """The school year and the fiscal year that most of the values are of, in that order.

    A platform that runs on may be a year ahead of the yearly statistics.
    """
    cells = [i.city for a in actions for i in a.indicators if i.city.value is not None]
    school = Counter(c.period for c in cells if "-" in c.period)
    other = Counter(c.period for c in cells if "-" not in c.period and c.period)
    return tuple(max(group, key=lambda p: (group[p], p)) for group in (school, other) if group)


def _regions(actions: Sequence[Action]) -> tuple[Region, ...]:
    """Counties, those with most lagging indicators first."""
    counts: dict[str, dict[str, int]] = {}
    names: dict[str, str] = {}
    distance: dict[str, float] = {}
    for indicator in (i for a in actions for i in a.indicators):
        for cell in indicator.counties:
            names[cell.region_code] = cell.region_name
            own = counts.setdefault(cell.region_code, dict.fromkeys(STATUSES, 0))
            own[cell.status] = own.get(cell.status, 0) + 1
            if cell.judged and cell.distance_pct is not None:
                distance[cell.region_code] = distance.get(cell.region_code, 0.0) + min(
                    cell.distance_pct, 0.0
                )
    regions = [Region(code, names[code], counts[code]) for code in counts]
    regions.sort(
        key=lambda r: (
            -r.lagging,
            -r.counts.get("at_risk", 0),
            distance.get(r.code, 0.0),
            r.code,
        )
    )
    return tuple(regions)


def _quality(
    conn: psycopg.Connection[Any], plan_version: str, titles: Mapping[str, str], lang: str
) -> Quality:
    sources = tuple(
        SourceQuality(
            dataset=r["dataset"],
            title=titles.get(r["dataset"], r["dataset"]),
            latest_period=r["latest_period"],
            published_at=r["published_at"],
            periods=r["period_count"],
            rows=r["row_count"],
            quarantined=r["quarantined_count"],
            open_rows=r["open_count"],
            oldest_open_at=r["oldest_open_at"],
            warnings=r["warning_count"],
            rejected_files=r["rejected_file_count"],
            held=r["held_count"],
            failed=r["failed_count"],
        )
        for r in _rows(conn, "sources")
    )
    held = tuple(
        HeldBatch(
            batch_id=r["batch_id"],
            dataset=r["dataset"],
            title=titles.get(r["dataset"], r["dataset"]),
            period=r["period"],
            reason=r["reason"],
            since=r["since"],
        )
        for r in _rows(conn, "held")
    )
    published = {s.dataset for s in sources if s.periods}
    return Quality(
        sources=sources,
        held=held,
        missing=_missing(conn, plan_version, lang),
        alert=_alert(conn, titles, lang),
        absent=tuple(title for dataset, title in titles.items() if dataset not in published),
    )


def _alert(
    conn: psycopg.Connection[Any], titles: Mapping[str, str], lang: str
) -> OldestAlert | None:
    for r in _rows(conn, "alert"):
        about = (
            titles.get(r["dataset"], r["dataset"]),
            *(r["indicator_codes"] if not r["dataset"] else ()),
            names.region(r["region_code"], None, lang) if r["region_code"] else "",
            r["period"],
        )
        return OldestAlert(
            kind=r["kind"],
            title=r["title"],
            subject=" ".join(filter(None, about)),
            opened_at=r["opened_at"],
            open_count=r["open_count"],
            critical_count=r["critical_count"],
        )
    return None


def _missing(conn: psycopg.Connection[Any], plan_version: str, lang: str) -> tuple[Missing, ...]:
    found = [
        Missing(**{**r, "region_name": names.region(r["region_code"], r["region_name"], lang)})
        for r in _rows(conn, "missing", {"plan_version": plan_version})
    ]
    return tuple(sorted(found, key=lambda m: (-m.missing, m.region_code)))
