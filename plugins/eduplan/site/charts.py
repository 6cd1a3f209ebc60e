"""Places on a page: the large trend of an indicator, sparklines and bars, all plain SVG numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from eduplan.scorecard.html import clamp
from eduplan.scorecard.query import FINAL_YEAR

WIDTH, HEIGHT = 940.0, 250.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 40.0, 700.0, 26.0, 205.0
_SPARK_WIDTH, _SPARK_HEIGHT = 84.0, 20.0
_GAP = 15.0

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Label:
    """A text at a place; ``kind`` is the class that colours it."""

    x: float
    y: float
    text: str
    kind: str
    anchor: str = "middle"


@dataclass(frozen=True)
class Trend:
    """The large chart: lines as SVG points, marks and labels that do not touch each other."""

    status: str
    described: str
    actual: str
    path: str
    standard_y: float | None
    dots: tuple[tuple[float, float], ...]
    target: tuple[float, float] | None
    interval: tuple[float, float, float, float] | None
    """x, expected y, y of the low end, y of the high end."""
    cut: tuple[bool, bool]
    """Whether the low and the high end lie outside the frame."""
    rings: tuple[tuple[float, float], ...]
    labels: tuple[Label, ...]
    axis_y: float = _BOTTOM + 12
    left: float = _LEFT
    right: float = _RIGHT


@dataclass(frozen=True)
class Spark:
    """A line of a few years and its last point, in a box of 84 × 20."""

    points: str
    x: float
    y: float


@dataclass(frozen=True)
class Bar:
    """A bar from ``start`` over ``length`` with a tick, all in percent of the cell."""

    start: float
    length: float
    tick: float | None
    status: str


def trend(
    points: Points,
    path: Points,
    status: str,
    written: dict[float, str],
    *,
    standard: tuple[float, str] | None = None,
    expected: tuple[float, float, float, str] | None = None,
    published: Sequence[tuple[float, float, str]] = (),
    described: str = "",
) -> Trend:
    """Place the chart of one indicator.

    ``points`` are year and actual value, ``path`` year and trajectory; ``written`` is how each
    value is written. ``standard`` is a value with its label, ``expected`` value, low, high and
    label of the final year, ``published`` year, value and label of other places' figures.
    """
    years = [y for y, _ in points] + [y for y, _ in path] + [y for y, _, _ in published]
    values = [v for _, v in points] + [v for _, v in path] + [v for _, v, _ in published]
    values += [standard[0]] if standard else []
    if expected:
        values += [expected[0]]
    first, last = min(years), max(float(FINAL_YEAR), *years)
    low, high = min(values), max(values)
    if expected:
        # A wide interval is cut at the frame instead of flattening every other line.
        room = 0.6 * max(high - low, abs(high) * 0.02, 1e-9)
        low, high = min(low, max(expected[1], low - room)), max(high, min(expected[2], high + room))
    if high - low < 1e-9:
        low, high = low - max(abs(low) * 0.01, 0.5), high + max(abs(high) * 0.01, 0.5)

    def x(year: float) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * (year - first) / max(1.0, last - first), 1)

    def y(value: float) -> float:
        share = clamp((value - low) / (high - low), 0.0, 1.0)
        return round(_BOTTOM - (_BOTTOM - _TOP) * share, 1)

    dots = tuple((x(year), y(value)) for year, value in points)
    labels = [
        Label(px, py - 9, written[value], "now")
        for (px, py), (_, value) in zip(dots, points, strict=True)
    ]
    labels += [
        Label(x(year), _BOTTOM + 30, str(int(year)), "year")
        for year in range(int(first), int(last) + 1)
    ]
    ends: list[tuple[float, str, str]] = []
    target = None
    if path:
        target = (x(path[-1][0]), y(path[-1][1]))
        ends.append((target[1], written[path[-1][1]], "plan"))
    interval, cut = None, (False, False)
    if expected:
        cut = (expected[1] < low - 1e-9, expected[2] > high + 1e-9)
        value, below, above, text = expected
        interval = (x(FINAL_YEAR), y(value), y(below), y(above))
        ends.append((interval[1], text, "expected"))
    if standard:
        ends.append((y(standard[0]), standard[1], "standard"))
    labels += [Label(_RIGHT + 16, py, text, kind, "start") for py, text, kind in _spread(ends)]
    return Trend(
        status=status,
        described=described,
        actual=_line(dots),
        path=_line([(x(year), y(value)) for year, value in path]),
        standard_y=y(standard[0]) if standard else None,
        dots=dots,
        target=target,
        interval=interval,
        cut=cut,
        rings=tuple((x(year), y(value)) for year, value, _ in published),
        labels=tuple(labels),
    )


def _spread(ends: Sequence[tuple[float, str, str]]) -> list[tuple[float, str, str]]:
    """Move labels of one column apart, from the top, and back up when they leave the frame."""
    placed: list[tuple[float, str, str]] = []
    for py, text, kind in sorted(ends):
        at = max(py + 4, placed[-1][0] + _GAP) if placed else py + 4
        placed.append((at, text, kind))
    over = max(0.0, placed[-1][0] - (_BOTTOM + 8)) if placed else 0.0
    return [(round(py - over, 1), text, kind) for py, text, kind in placed]


def spark(points: Points) -> Spark | None:
    """Line of two or more years; nothing for fewer."""
    if len(points) < 2:
        return None
    years, values = [p[0] for p in points], [p[1] for p in points]
    low, high = min(values), max(values)
    flat = high - low < 1e-9
    line = [
        (
            round(3 + (_SPARK_WIDTH - 6) * (year - years[0]) / max(1.0, years[-1] - years[0]), 1),
            round(
                _SPARK_HEIGHT / 2
                if flat
                else _SPARK_HEIGHT - 4 - (_SPARK_HEIGHT - 8) * (value - low) / (high - low),
                1,
            ),
        )
        for year, value in points
    ]
    return Spark(_line(line), *line[-1])


def bars(rows: Sequence[tuple[float | None, float | None, str]]) -> list[Bar | None]:
    """Bars of one column on one scale from rows of value, tick and status; none without value."""
    numbers = [n for value, tick, _ in rows for n in (value, tick) if n is not None]
    low, high = min([0.0, *numbers]), max([0.0, *numbers])
    span = (high - low) or 1.0

    def at(number: float) -> float:
        return round(100 * (number - low) / span, 1)

    return [
        None
        if value is None
        else Bar(
            min(at(0.0), at(value)),
            round(abs(at(value) - at(0.0)), 1),
            None if tick is None else at(tick),
            status,
        )
        for value, tick, status in rows
    ]


def _line(points: Points) -> str:
    return " ".join(f"{px},{py}" for px, py in points)
