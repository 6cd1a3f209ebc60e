"""How numbers of an indicator are written on a page, and how counties rank."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from eduplan.scorecard import wording as words
from eduplan.scorecard.query import STATUSES, Cell, Indicator
from eduplan.site.layout import Book
from eduplan.site.query import Row
from eduplan.site.wording import signed

Number = Decimal | float | None


def distance_text(book: Book, indicator: Indicator, distance: float | None) -> str:
    """Distance with its sign; of a share in percentage points."""
    if distance is None:
        return ""
    places = words.digits(indicator)
    while indicator.unit not in words.WHOLE and 0 < abs(distance) < 0.5 * 10**-places < 1:
        places += 1  # never show a lag as none
    number = signed(words.number(distance, places))
    if indicator.unit == "%":
        return book.t["points"].format(n=number)
    label = words.unit_label(indicator.unit, book.lang)
    return f"{number} {label}".strip()


def due_text(indicator: Indicator, cell: Cell) -> str:
    """Where the trajectory should be now; a band has none."""
    return bare(indicator)(cell.trajectory) if cell.judged and indicator.band is None else ""


def target_text(indicator: Indicator, cell: Cell) -> str:
    """Final target, or the band."""
    if not cell.judged:
        return ""
    if indicator.band is not None:
        return "–".join(words.number(end, None) for end in indicator.band)
    return bare(indicator)(cell.final_target)


def full(book: Book, indicator: Indicator) -> Callable[[Number], str]:
    """Write a value of ``indicator`` with its unit."""
    places = words.digits(indicator)
    return lambda value: words.with_unit(
        None if value is None else float(value), places, indicator.unit, book.lang
    )


def bare(indicator: Indicator) -> Callable[[Number], str]:
    """Write a value of ``indicator`` without its unit."""
    places = words.digits(indicator)
    return lambda value: words.number(None if value is None else float(value), places)


def ranks(indicator: Indicator) -> dict[str, tuple[int, int]]:
    """Place and number of those compared, by region: best first, equal values share a place.

    Without a better end (a target band) nobody is ranked; what is hidden has no place.
    """
    if indicator.direction not in ("higher_better", "lower_better"):
        return {}
    sign = -1 if indicator.direction == "higher_better" else 1
    valued = [(sign * c.value, c.region_code) for c in indicator.counties if c.value is not None]
    return {
        code: (1 + sum(other < own for other, _ in valued), len(valued)) for own, code in valued
    }


def rank_text(found: tuple[int, int] | None) -> str:
    """``2 / 8``; a dash for who has none."""
    return f"{found[0]} / {found[1]}" if found else "—"


def worst_first(cells: Iterable[Cell]) -> list[Cell]:
    """Cells by status, inside a status those furthest behind first."""
    return sorted(
        cells,
        key=lambda c: (
            STATUSES.index(c.status) if c.status in STATUSES else len(STATUSES),
            c.distance_pct if c.distance_pct is not None else 0.0,
            c.region_code,
        ),
    )


def past(rows: Sequence[Row]) -> list[tuple[float, float]]:
    """Year and value of the periods that have one."""
    return [(float(r["period_year"]), float(r["value"])) for r in rows if r["value"] is not None]
