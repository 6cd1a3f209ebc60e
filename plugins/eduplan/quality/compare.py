"""Is a figure far from those of former years? Robust where enough years are known."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# A share or quantile of fewer rows says little.
_ROWS_ENOUGH = 50
# At least three former years: scaled median absolute deviation, never less than the floor.
_MAD_SCALE = 1.4826
_FAR = 4.0
_FLOOR_RATIO = 0.05
_FLOOR_SHARE = 0.01
# Fewer: a volume or quantile may at most double or halve, a share move by so much.
_FAR_LOG2 = 1.0
_FAR_SHARE = 0.15


@dataclass(frozen=True)
class Figure:
    """One figure of a batch; ``county`` and ``column`` are empty where they do not apply."""

    county: str
    metric: str
    column: str
    value: float


@dataclass(frozen=True)
class Anomaly:
    """A figure far from those of former years; the fields are those of quality.anomaly."""

    figure: Figure
    expected: float
    spread: float | None
    score: float


def compare(
    figures: Iterable[Figure], former: dict[str, dict[tuple[str, str, str], float]]
) -> list[Anomaly]:
    """Return the figures that are far from those of the ``former`` periods.

    Each is compared with the same figure of the periods that have it. A code nobody used before,
    or nobody uses now, is a share of 0, a county that sends nothing any more has 0 rows. Shares and
    quantiles of fewer than 50 rows are left out.
    """
    present = {(f.county, f.metric, f.column): f for f in figures}
    rows = {county: f.value for (county, metric, _), f in present.items() if metric == "row_count"}
    for known in former.values():
        for county, metric, column in known:
            if metric == "row_count" or metric.startswith("code_share") and county in rows:
                key = (county, metric, column)
                present.setdefault(key, Figure(*key, 0.0))
    found = []
    for key, figure in sorted(present.items()):
        county, metric, column = key
        if metric != "row_count" and rows.get(county, 0) < _ROWS_ENOUGH:
            continue
        before = []
        for known in former.values():
            count = known.get((county, "row_count", ""), 0)
            told = known.get(key, 0.0 if metric.startswith("code_share") and count else None)
            if told is not None and (metric == "row_count" or count >= _ROWS_ENOUGH):
                before.append(told)
        anomaly = judge(figure, before, rows.get(county, 0))
        if anomaly is not None:
            found.append(anomaly)
    return found


def judge(figure: Figure, before: Sequence[float], rows: float) -> Anomaly | None:
    """Return the anomaly if ``figure`` (of so many ``rows``) is far from the values ``before``."""
    if not before:
        return None
    is_share = figure.metric.partition(":")[0].endswith("_share")
    expected = statistics.median(before)
    # By chance alone a share of n rows strays by so much.
    noise = math.sqrt(max(expected * (1 - expected), 0) / rows) if is_share and rows else 0.0
    if len(before) >= 3:
        mad = _MAD_SCALE * statistics.median(abs(value - expected) for value in before)
        floor = max(_FLOOR_SHARE, noise) if is_share else _FLOOR_RATIO * abs(expected)
        spread = max(mad, floor)
        if spread == 0:  # always 0 before
            spread = 1.0
        score = (figure.value - expected) / spread
        return Anomaly(figure, expected, spread, score) if abs(score) >= _FAR else None
    if is_share:
        difference = figure.value - expected
        far = abs(difference) >= max(_FAR_SHARE, _FAR * noise)
        return Anomaly(figure, expected, None, difference) if far else None
    if figure.metric.startswith("row"):
        score = math.log2((figure.value + 1) / (expected + 1))  # none at all is far from many
    elif figure.value > 0 and expected > 0:
        score = math.log2(figure.value / expected)
    else:
        return None  # of zero there is no ratio
    return Anomaly(figure, expected, None, score) if abs(score) >= _FAR_LOG2 else None
