"""The ledger: every planted defect, where it is and which rule must find it.

A defect whose rule is empty is wrong and looks right: no rule can find it. Those stand in a list of
their own.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path


@dataclass(frozen=True, order=True)
class Entry:
    """One planted defect; an empty row means the whole file or table."""

    dataset: str
    period: str
    file: str
    sheet: str
    row: int | None
    column: str
    kind: str
    rule_id: str
    note: str = ""


COLUMNS = tuple(f.name for f in fields(Entry))


def _sort_key(entry: Entry) -> tuple[str, ...]:
    return (
        entry.dataset,
        entry.period,
        entry.file,
        entry.sheet,
        f"{entry.row or 0:09d}",
        entry.rule_id,
        entry.kind,
        entry.column,
    )


def write_ledger(path: Path, entries: Iterable[Entry]) -> int:
    """Write the ledger as UTF-8 CSV in a fixed order and return the number of lines."""
    ordered = sorted(set(entries), key=_sort_key)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for e in ordered:
        writer.writerow(["" if getattr(e, c) is None else getattr(e, c) for c in COLUMNS])
    path.write_text(buffer.getvalue(), encoding="utf-8")
    return len(ordered)


def read_ledger(path: Path) -> list[Entry]:
    """Read a ledger written by `write_ledger`."""
    with path.open(encoding="utf-8", newline="") as handle:
        return [
            Entry(**{**line, "row": int(line["row"]) if line["row"] else None})
            for line in csv.DictReader(handle)
        ]
