"""The scorecard page: one HTML file, no script, inline SVG, prints on A3.

This module turns the scorecard into places on the page (lengths, lines, classes); the template
writes them down. Every text passes through Jinja's autoescape.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache, partial
from importlib import resources
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from eduplan.scorecard import names, wording
from eduplan.scorecard.borders import Shape, county_shapes
from eduplan.scorecard.query import (
    FINAL_YEAR,
    JUDGED,
    STATUSES,
    Action,
    Cell,
    Indicator,
    Region,
    Scorecard,
)

CHINA_TIME = timezone(timedelta(hours=8))
_BAR_START, _BAR_WIDTH = 7.0, 126.0
_CHART = {"left": 14.0, "right": 130.0, "top": 20.0, "bottom": 52.0, "axis": 68.0}
_SMALL_ACTION = 2
_FEW = 10
_CAPTION = 26
"""Characters over a small chart; a unit that would be cut is left to the rows above."""


@dataclass(frozen=True)
class Bullet:
    """Lengths of a bullet bar in SVG units; ``tick`` is where the trajectory should be now."""

    bar: float
    tick: float | None
    below: bool
    beyond: bool


@dataclass(frozen=True)
class Row:
    """One indicator row of an action."""

    indicator: Indicator
    value: str
    unit: str
    coverage: str
    period: str
    bullet: Bullet | None
    left: str
    right: str
    standard: tuple[str, str]
    title: str
    details: tuple[tuple[str, str, bool], ...]
    beside: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ActionView:
    """One action with its rows; indicators without data are only counted here."""

    badge: str
    name: str
    rows: tuple[Row, ...]
    counts: tuple[tuple[str, int], ...]
    silent: int

    @property
    def small(self) -> bool:
        """Few enough rows to stand beside another small action."""
        return len(self.rows) <= _SMALL_ACTION


@dataclass(frozen=True)
class HeatCell:
    """One cell of the heat table."""

    text: str
    css: str
    status: str
    title: str


@dataclass(frozen=True)
class HeatRow:
    """One county of the heat table; ``bar`` is in percent of the longest."""

    region: Region
    cells: tuple[HeatCell, ...]
    bar: float


@dataclass(frozen=True)
class Heat:
    """The counties × indicators table; ``judged`` is false when it can only show values."""

    judged: bool
    groups: tuple[tuple[str, str, int], ...]
    heads: tuple[tuple[str, str, str], ...]
    starts: frozenset[int]
    rows: tuple[HeatRow, ...]
    values: tuple[tuple[str, str, str, tuple[HeatCell, ...]], ...]


@dataclass(frozen=True)
class Chart:
    """One small multiple: SVG paths and labels, already placed so that nothing touches."""

    code: str
    title: str
    unit: str
    status: str
    actual: str
    trajectory: str
    dots: tuple[tuple[float, float], ...]
    label: str
    label_x: float
    label_y: float
    anchor: str
    end_label: str
    end_y: float
    years: tuple[tuple[float, str], ...]
    note: str
    described: str


@dataclass(frozen=True)
class Tile:
    """One county of the tile grid."""

    region: Region
    row: int
    column: int
    bars: tuple[tuple[str, int, float], ...]


@dataclass(frozen=True)
class SilentGroup:
    """Registered indicators without data that share a reason; ``sources`` says what is missing."""

    reason: str
    count: int
    sources: tuple[tuple[str, tuple[Indicator, ...]], ...]


@dataclass(frozen=True)
class Links:
    """Addresses of the pages beside the scorecard in a site, all relative to it.

    ``indicators`` and ``counties`` are by code; ``contents`` are label and address of the rest.
    """

    stylesheet: str
    other_language: str
    contents: tuple[tuple[str, str], ...]
    indicators: Mapping[str, str]
    counties: Mapping[str, str]


def environment(lang: str, *packages: str) -> Environment:
    """Templates of the scorecard and of ``packages``, for pages in ``lang``.

    Texts are escaped; on a Chinese page their brackets and marks are full-width, on an English one
    the filter ``own`` marks what is Chinese for want of a translation.
    """
    env = Environment(
        loader=ChoiceLoader([PackageLoader(p) for p in (*packages, "eduplan.scorecard")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=names.full_width if lang == "zh" else None,
    )
    env.filters["own"] = partial(names.own_language, lang=lang)
    return env


def stylesheet() -> str:
    """Return the style sheet of the scorecard."""
    return (resources.files(__package__) / "templates" / "scorecard.css").read_text("utf-8")


def render_html(card: Scorecard, geojson: Path | None = None, links: Links | None = None) -> str:
    """Return the whole page as text.

    ``geojson`` is a user's own file of county boundaries (features with the 6-digit code in
    ``adcode``, ``code`` or ``id``); without it the counties stand on a schematic tile grid.
    With ``links`` the page is the first of a site; without, it is one file that needs no other.
    """
    t = wording.TEXTS[card.lang]
    counts = card.counts
    trends = _trend_indicators(card)
    alert = card.quality.alert
    return (
        environment(card.lang)
        .get_template("scorecard.html.j2")
        .render(
            card=card,
            links=links,
            alert_title=wording.alert_text(alert.kind, alert.title, alert.subject, card.lang)
            if alert
            else "",
            t=t,
            words=wording.WORDS[card.lang],
            css=Markup(stylesheet()),  # noqa: S704 - our own file, no input
            sentence=wording.sentence(card),
            good=counts["on_track"] + counts["met"],
            counts=counts,
            periods=" · ".join(period_text(p, card.lang) for p in card.periods) or "—",
            as_of=moment_text(card.as_of),
            day=day_text,
            held_reason=wording.held_reason,
            number=wording.number,
            actions=tuple(_action_view(a, card) for a in card.actions),
            heat=_heat(card),
            charts=tuple(_chart(i, card) for i in trends),
            charts_judged=any(i.judged for i in trends),
            charts_plain=any(not i.judged for i in trends),
            tiles=_tiles(card.regions),
            shapes=_shapes(geojson, card.regions),
            silent=_silent(card),
            short_names={i.code: wording.short_name(i, card.lang) for i in card.indicators},
            states=STATUSES,
            absent=_absent(card),
            task_counts={
                name: sum(getattr(owner, name) for owner in card.tasks)
                for name in ("due", "on_time", "overdue")
            },
        )
    )


def _absent(card: Scorecard) -> list[str]:
    """Titles of contracts that never published and stand in no row of their own."""
    named = {source.title for source in card.quality.sources}
    return [title for title in card.quality.absent if title not in named]


def period_text(period: str, lang: str) -> str:
    """A school or fiscal year in words."""
    if lang == "en":
        return f"school year {period}" if "-" in period else f"fiscal year {period}"
    return f"{period.replace('-', '—')} 学年" if "-" in period else f"{period} 财政年度"


def moment_text(moment: datetime | None) -> str:
    """Day and minute, Beijing time."""
    return moment.astimezone(CHINA_TIME).strftime("%Y-%m-%d %H:%M") if moment else "—"


def day_text(moment: datetime | None) -> str:
    """Day, Beijing time."""
    return moment.astimezone(CHINA_TIME).strftime("%Y-%m-%d") if moment else "—"


# --- actions ------------------------------------------------------------------------------------


def _action_view(action: Action, card: Scorecard) -> ActionView:
    shown = [i for i in action.indicators if i.city.status != "no_data" or i.parts]
    tally = {status: sum(1 for i in shown if i.city.status == status) for status in STATUSES}
    return ActionView(
        badge=wording.action_badge(action.code, card.lang),
        name=wording.action_name(action.code, action.name, card.lang),
        rows=tuple(row_of(i, card) for i in shown),
        counts=tuple((status, n) for status, n in tally.items() if n and status in JUDGED),
        silent=len(action.indicators) - len(shown),
    )


def row_of(indicator: Indicator, card: Scorecard) -> Row:
    """Turn the city's latest cell of an indicator into a row of the page."""
    cell, places = indicator.city, wording.digits(indicator)
    judged = cell.judged
    standard = ("", "") if judged else wording.standard(indicator, card.lang)
    if judged and indicator.band is not None:
        low, high = (wording.number(end, None) for end in indicator.band)
        standard = (wording.TEXTS[card.lang]["band"].format(low=low, high=high), "")
    if cell.status == "not_yet":
        words = wording.TEXTS[card.lang]
        standard = (
            words["aim"].format(n=wording.number(cell.final_target, None)),
            words["no_line"],
        )
    track = judged and indicator.band is None
    old = cell.period_year < card.latest_year and cell.value is not None
    return Row(
        indicator=indicator,
        value=wording.number(cell.value, places),
        unit=wording.unit_label(indicator.unit, card.lang) if cell.value is not None else "",
        coverage=wording.coverage_text(cell, card.lang),
        period=cell.period.replace("-", "—") if old else "",
        bullet=bullet_of(cell) if track else None,
        left=wording.number(cell.baseline, places) if track else "",
        right=wording.number(cell.final_target, places) if track else "",
        standard=standard,
        title=_title(indicator, card.lang),
        details=_details(indicator, card.lang),
        beside=wording.beside(indicator, card.lang),
    )


def _title(indicator: Indicator, lang: str) -> str:
    """Code, name and, where it is in the language, definition."""
    definition = indicator.definition
    if lang == "en" and names.has_han(definition):
        definition = ""
    return " ".join(filter(None, (indicator.code, indicator.name, definition)))


def _details(indicator: Indicator, lang: str) -> tuple[tuple[str, str, bool], ...]:
    """Parts as name, value and whether a national standard is not reached; decimals all alike."""
    values = [part.value for part in indicator.parts]
    return tuple(
        (
            wording.short_name(part, lang),
            wording.with_unit(part.value, wording.decimals(part.unit, values), part.unit, lang),
            part.threshold_met is False,
        )
        for part in indicator.parts
    )


def bullet_of(cell: Cell) -> Bullet:
    """Bar and tick on a track that runs from the baseline (0 %) to the final target (100 %)."""
    progress = cell.progress_pct
    if progress is None:
        # Target equals baseline: there is no way to go, only a level to keep.
        progress = 100.0 if cell.status in ("met", "on_track") else 0.0
    tick = None
    step = (cell.final_target or 0.0) - (cell.baseline or 0.0)
    if cell.trajectory is not None and cell.baseline is not None and step:
        tick = _BAR_START + _BAR_WIDTH * clamp((cell.trajectory - cell.baseline) / step, 0.0, 1.0)
    return Bullet(
        bar=round(_BAR_WIDTH * clamp(progress / 100, 0.0, 1.0), 1),
        tick=None if tick is None else round(tick, 1),
        below=progress < 0,
        beyond=progress > 100,
    )


def clamp(value: float, low: float, high: float) -> float:
    """``value``, moved to the nearer end when it is outside ``low`` … ``high``."""
    return max(low, min(high, value))


# --- counties -----------------------------------------------------------------------------------


def _heat(card: Scorecard) -> Heat:
    """Columns are the indicators judged in some county; where they are few, values of the rest."""
    judged = any(c.judged for i in card.indicators for c in i.counties)

    def wanted(indicator: Indicator) -> bool:
        return any(c.judged for c in indicator.counties)

    columns: list[Indicator] = []
    groups: list[tuple[str, str, int]] = []
    starts: set[int] = set()
    for action in card.actions:
        own = [i for i in action.indicators if wanted(i)]
        if not own:
            continue
        name = wording.action_name(action.code, action.name, card.lang)
        badge = wording.action_badge(action.code, card.lang)
        starts.add(len(columns))
        # A column is about two Chinese characters or four Latin letters wide.
        room = 2 * len(own) - 3 if card.lang == "zh" else 4 * len(own) - 7
        groups.append((badge, name if len(name) <= room else "", len(own)))
        columns.extend(own)
    most = max((r.lagging for r in card.regions), default=0)
    rows = []
    for region in card.regions:
        cells = tuple(_heat_cell(i, region.code, judged, card.lang) for i in columns)
        bar = 100 * region.lagging / most if most else 0.0
        rows.append(HeatRow(region, cells, round(bar, 1)))
    heads = tuple((wording.short_name(i, card.lang), _title(i, card.lang), i.code) for i in columns)
    values = tuple(
        (
            i.code,
            wording.short_name(i, card.lang),
            wording.unit_label(i.unit, card.lang),
            tuple(_heat_cell(i, region.code, False, card.lang) for region in card.regions),
        )
        for i in card.indicators
        if len(columns) < _FEW or not judged
        if not any(c.judged for c in i.counties) and any(c.value is not None for c in i.counties)
    )
    return Heat(judged, tuple(groups), heads, frozenset(starts), tuple(rows), values)


def _heat_cell(indicator: Indicator, region: str, judged: bool, lang: str) -> HeatCell:
    cell = next((c for c in indicator.counties if c.region_code == region), None)
    if cell is None or cell.value is None:
        hidden = cell is not None and cell.status == "suppressed"
        status = "suppressed" if hidden else "no_data"
        word = wording.WORDS[lang][status]
        return HeatCell((word if not judged else "") if hidden else "—", "hatch", status, word)
    places = wording.digits(indicator)
    value = wording.with_unit(cell.value, places, indicator.unit, lang)
    title = f"{cell.region_name} {indicator.name}: {value} {wording.WORDS[lang][cell.status]}"
    if not judged or not cell.judged:
        shown = wording.number(cell.value, places) if not judged else "·"
        return HeatCell(shown, "plain", cell.status, title)
    if cell.distance_pct is None:
        return HeatCell("", f"{cell.status} d1", cell.status, title)
    share = round(clamp(cell.distance_pct, -99, 99))
    deep = abs(cell.distance_pct) >= (99 if cell.status == "off_track" else 50)
    depth = "d2" if deep else "d1"
    return HeatCell(wording.number(share, 0), f"{cell.status} {depth}", cell.status, title)


@cache
def _layout() -> Mapping[str, tuple[int, int]]:
    text = (resources.files(__package__) / "tiles.csv").read_text("utf-8")
    return {
        r["region_code"]: (int(r["row"]), int(r["column"]))
        for r in csv.DictReader(text.splitlines())
    }


def _tiles(regions: Sequence[Region]) -> tuple[Tile, ...]:
    """Known counties at their listed place; unknown ones fill rows of four below them."""
    known = _layout()
    placed = [r for r in regions if r.code in known]
    below = max((known[r.code][0] for r in placed), default=0)
    others = sorted((r for r in regions if r.code not in known), key=lambda r: r.code)
    tiles = [Tile(r, *known[r.code], _bars(r)) for r in placed]
    tiles += [Tile(r, below + 1 + n // 4, 1 + n % 4, _bars(r)) for n, r in enumerate(others)]
    return tuple(sorted(tiles, key=lambda t: (t.row, t.column)))


def _bars(region: Region) -> tuple[tuple[str, int, float], ...]:
    order = ("off_track", "at_risk", "on_track", "met")
    total = region.judged
    return tuple(
        (status, region.counts[status], round(100 * region.counts[status] / total, 2))
        for status in order
        if total and region.counts.get(status)
    )


def _shapes(geojson: Path | None, regions: Sequence[Region]) -> tuple[tuple[Shape, Region], ...]:
    if geojson is None:
        return ()
    by_code = {r.code: r for r in regions}
    return tuple((s, by_code[s.code]) for s in county_shapes(geojson) if s.code in by_code)


# --- small multiples ----------------------------------------------------------------------------


def _trend_indicators(card: Scorecard) -> tuple[Indicator, ...]:
    """Those with a target; when they are only a few, also those with more than one value."""
    judged = tuple(i for i in card.indicators if i.judged and i.history)
    if len(judged) >= _FEW:
        return judged
    return tuple(i for i in card.indicators if (i.judged and i.history) or len(i.history) > 1)


def _chart(indicator: Indicator, card: Scorecard) -> Chart:
    cell, places = indicator.city, wording.digits(indicator)
    points = [(p.year, p.value) for p in indicator.history]
    path: list[tuple[float, float]] = []
    if indicator.band is not None:
        middle = sum(indicator.band) / 2
        path = [(points[0][0], middle), (FINAL_YEAR, middle)]
    elif indicator.judged:
        if indicator.baseline_year is not None and cell.baseline is not None:
            path.append((indicator.baseline_year, cell.baseline))
        path.extend(indicator.targets)
    elif indicator.threshold is not None and points:
        path = [(points[0][0], indicator.threshold), (FINAL_YEAR, indicator.threshold)]
    everything = points + path
    first = min(year for year, _ in everything)
    last = max(FINAL_YEAR, *(int(year) for year, _ in everything))
    low, high = min(v for _, v in everything), max(v for _, v in everything)
    # A chart must not blow rounding up into a cliff: the scale spans at least one shown digit.
    least = 4 * 10.0**-places
    if high - low < least:
        middle = (high + low) / 2
        low, high = middle - least / 2, middle + least / 2

    def x(year: float) -> float:
        span = _CHART["right"] - _CHART["left"]
        return round(_CHART["left"] + span * (year - first) / max(1, last - first), 1)

    def y(value: float) -> float:
        span = _CHART["bottom"] - _CHART["top"]
        return round(_CHART["bottom"] - span * (value - low) / (high - low), 1)

    line = [(x(year), y(value)) for year, value in points]
    dashed = [(x(year), y(value)) for year, value in path]
    label_x, label_y, anchor = _label_place(line, dashed)
    end = dashed[-1][1] if dashed else 0.0
    current = points[-1][0]
    missing = current < card.latest_year
    # Two years side by side would write their labels into each other.
    shown_years = {current, last} | ({first} if current - first > 1 else set())
    label = wording.number(points[-1][1], places)
    title = wording.short_name(indicator, card.lang)
    unit = wording.unit_label(indicator.unit, card.lang)
    return Chart(
        code=indicator.code,
        title=title,
        unit=unit if len(title) + len(unit) <= _CAPTION else "",
        status=cell.status,
        actual=_polyline(line),
        trajectory=_polyline(dashed),
        dots=tuple(line),
        label=label,
        label_x=label_x,
        label_y=label_y,
        anchor=anchor,
        end_label=wording.number(path[-1][1], places) if path else "",
        end_y=round(end + 3.5, 1),
        years=tuple((x(year), str(int(year))) for year in sorted(shown_years)),
        note=wording.TEXTS[card.lang]["missing_year"].format(year=card.latest_year)
        if missing
        else "",
        described=f"{indicator.name} {points[-1][0]}: {label}",
    )


def _polyline(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{px},{py}" for px, py in points)


def _label_place(
    line: Sequence[tuple[float, float]], dashed: Sequence[tuple[float, float]]
) -> tuple[float, float, str]:
    """Place the value of the last point right of it, on the side away from the trajectory.

    Right of the last point there is no actual line, so only the trajectory can be in the way: the
    label clears it over its whole width and stays between the top and the axis.
    """
    px, py = line[-1]
    width = 34.0
    anchor = "start" if px + width <= _CHART["right"] + 4 else "middle"
    left = px + 4 if anchor == "start" else px - width / 2
    under = [_height_at(dashed, left + part * width / 4) for part in range(5)]
    heights = [h for h in under if h is not None]
    at = _height_at(dashed, px)
    above = at is None or py <= at
    if above:
        place = min([py - 5, *(h - 4 for h in heights)])
        if place < 9:
            above = False
    if not above:
        place = max([py + 12, *(h + 12 for h in heights)])
        if place > _CHART["axis"] - 3:
            place = min([py - 5, *(h - 4 for h in heights)])
    label_x = px + 4 if anchor == "start" else px
    return round(label_x, 1), round(clamp(place, 9, _CHART["axis"] - 3), 1), anchor


def _height_at(points: Sequence[tuple[float, float]], at: float) -> float | None:
    for (x1, y1), (x2, y2) in zip(points, points[1:], strict=False):
        if x1 <= at <= x2 and x2 > x1:
            return y1 + (y2 - y1) * (at - x1) / (x2 - x1)
    return None


# --- registry rest ------------------------------------------------------------------------------


def _silent(card: Scorecard) -> tuple[SilentGroup, ...]:
    """Indicators without data by reason (commonest first), inside a reason by what is missing.

    The warehouse writes a reason as ``reason:source``; both halves are kept, each said once.
    """
    reasons: dict[str, dict[str, list[Indicator]]] = {}
    for indicator in card.indicators:
        if indicator.city.status == "no_data":
            reason, source = wording.reason(indicator.no_data_reason, card.lang)
            own = reasons.setdefault(reason, {})
            own.setdefault(source, []).append(indicator)
    groups = [
        SilentGroup(
            reason=reason,
            count=sum(len(items) for items in by_source.values()),
            sources=tuple((source, tuple(items)) for source, items in by_source.items()),
        )
        for reason, by_source in reasons.items()
    ]
    return tuple(sorted(groups, key=lambda group: (-group.count, group.reason)))
