"""合计/小计 rows: compared with their detail, then dropped (LND-022)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

_ROUNDING = Decimal("0.0051")


@dataclass(frozen=True)
class Mismatch:
    """A total row that is not the sum of its detail: row (1-based), column label, both values."""

    row: int
    kind: str
    column: str
    stated: Decimal
    summed: Decimal


def number(text: str | None) -> Decimal | None:
    """Read a number as printed (thousands separators, brackets = negative); None if it is none."""
    if not text:
        return None
    clean = text.strip().replace(",", "").replace("，", "").replace("（", "(").replace("）", ")")
    if clean.startswith("(") and clean.endswith(")"):
        clean = "-" + clean[1:-1]
    try:
        value = Decimal(clean)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


@dataclass
class Totals:
    """Running sums of number columns (index → label) between total rows of one table."""

    columns: Mapping[int, str]
    _groups: list[tuple[dict[int, Decimal], int]] = field(default_factory=lambda: [({}, 0)])
    _stated: list[tuple[int, str, dict[int, Decimal], int]] = field(default_factory=list)
    _fractions: bool = False

    def detail(self, cells: Sequence[str | None]) -> None:
        """Add one row of detail."""
        if not self.columns:
            return
        sums, count = self._groups[-1]
        for index in self.columns:
            value = number(cells[index]) if index < len(cells) else None
            if value is not None:
                sums[index] = sums.get(index, Decimal(0)) + value
                exponent = value.as_tuple().exponent
                self._fractions |= isinstance(exponent, int) and exponent < 0
        self._groups[-1] = (sums, count + 1)

    def total(self, row: int, kind: str, cells: Sequence[str | None]) -> None:
        """Note a total row; it belongs to the detail around it."""
        values = {
            index: value
            for index in self.columns
            if index < len(cells) and (value := number(cells[index])) is not None
        }
        self._stated.append((row, kind, values, len(self._groups) - 1))
        if kind == "小计":
            self._groups.append(({}, 0))

    def mismatches(self) -> list[Mismatch]:
        """Compare every total row with its detail; call when all rows were seen."""
        subtotals = [entry for entry in self._stated if entry[1] == "小计"]
        # A heading subtotal stands above its detail: then nothing precedes the first one.
        above = bool(subtotals) and self._groups[subtotals[0][3]][1] == 0
        found = []
        for row, kind, values, group in self._stated:
            if kind == "小计":
                parts = [self._groups[group + above]]
            else:
                parts = list(self._groups)
            count = sum(n for _, n in parts)
            if count == 0:
                continue
            slack = _ROUNDING * count if self._fractions else Decimal(0)
            for index, stated in values.items():
                summed = sum((sums.get(index, Decimal(0)) for sums, _ in parts), Decimal(0))
                if abs(stated - summed) > slack:
                    found.append(Mismatch(row, kind, self.columns[index], stated, summed))
        return found
