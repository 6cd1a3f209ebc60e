"""Grids become rows: plain tables under merged headers, 教基 forms, cross-tables.

A grid is a list of rows of texts (None: blank cell) where index 0 is row 1 of the sheet or file.
What comes out is text in PostgreSQL's COPY format, ready to be written to the batch table.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from eduplan.errors import LandingError
from eduplan.extract.shape import (
    Header,
    Shape,
    check_header,
    clean_label,
    match_header,
    unknown_header,
)
from eduplan.extract.totals import Mismatch, Totals

Row = Sequence[str | None]
Grid = Sequence[Row]
Merge = tuple[tuple[int, int], tuple[int, int]]
FILE_MARK = "@"
_SEARCH = 40
_CORNER_COLUMNS = ("reporter_code", "reporter_name", "sheet_type", "form_year")


@dataclass(frozen=True)
class SheetRows:
    """Rows of one sheet (of a cross-table: of one of its value columns).

    ``blob`` is COPY text: ``@``, the row number, then every contract column in contract order;
    the reader of the blob puts the file number in the place of each leading ``@``.
    """

    sheet: str
    blob: bytes = b""
    rows: int = 0
    extras: tuple[tuple[int, dict[str, str]], ...] = ()
    extra_labels: tuple[str, ...] = ()
    mismatches: tuple[Mismatch, ...] = ()
    missing: tuple[str, ...] = ()
    """Optional columns (names) that the sheet does not have."""
    error_code: str | None = None
    error: str | None = None
    hint: str = ""


@dataclass
class _Blob:
    """Collects rows as COPY text; the three separators cannot occur in the values."""

    parts: list[str] = field(default_factory=list)
    rows: int = 0

    def add(self, row: int, values: Iterable[str | None]) -> None:
        texts = [
            "\2" if not value else value if value.isprintable() else _CONTROL.sub("", value)
            for value in values
        ]
        self.parts.append(f"{FILE_MARK}\0{row}\0" + "\0".join(texts) + "\1")
        self.rows += 1

    def bytes(self) -> bytes:
        text = "".join(self.parts)
        for raw, escaped in _ESCAPES:
            text = text.replace(raw, escaped)
        return text.encode("utf-8", "replace")


_CONTROL = re.compile("[\0\1\2]")
_ESCAPES = (
    ("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"),
    ("\0", "\t"), ("\1", "\n"), ("\2", "\\N"),
)  # fmt: skip


def read_sheet(
    grid: Grid, merges: Sequence[Merge] | None, shape: Shape, name: str, sheet: str
) -> list[SheetRows]:
    """Read one grid by the layout of ``shape``; ``name`` and ``sheet`` are for messages.

    Raises LandingError LND-001 to 006, 018 and 023 as the sheet deserves.
    """
    where = f"{name}!{sheet}" if sheet else name
    if not any(any(row) for row in grid):
        raise LandingError(
            "LND-001", f"{where}：是空表。 The sheet is empty.", hint="请重新导出 / export it again"
        )
    if shape.layout == "form":
        return [_form(grid, merges, shape, where, sheet)]
    if shape.layout == "crosstab":
        return _crosstab(grid, merges, shape, where, sheet)
    return [_table(grid, merges, shape, where, sheet)]


def compose(grid: Grid, merges: Sequence[Merge] | None, top: int, bottom: int) -> list[str]:
    """Join header rows ``top`` to ``bottom`` (0-based, exclusive end) to one label a column.

    Merged cells are filled first; without merges a blank takes the label to its left, as long as
    the rows above agree. Equal labels one above the other count once.
    """
    width = max((len(grid[i]) for i in range(top, bottom)), default=0)
    rows = [[_flat(grid[i][c] if c < len(grid[i]) else None) for c in range(width)]
            for i in range(top, bottom)]  # fmt: skip
    here = [m for m in merges or () if top <= m[1][0] and m[0][0] < bottom]
    if here or bottom - top == 1:
        for (r0, c0), (r1, c1) in here:
            value = _flat(grid[r0][c0]) if r0 < len(grid) and c0 < len(grid[r0]) else ""
            for r in range(max(r0, top), min(r1 + 1, bottom)):
                for c in range(c0, min(c1 + 1, width)):
                    rows[r - top][c] = value
    else:
        for depth, row in enumerate(rows[:-1]):
            for c in range(1, width):
                same = all(rows[d][c] == rows[d][c - 1] for d in range(depth))
                if not row[c] and same and any(rows[d][c] for d in range(depth + 1, len(rows))):
                    row[c] = row[c - 1]
    labels = []
    for c in range(width):
        parts: list[str] = []
        for row in rows:
            if row[c] and (not parts or parts[-1] != row[c]):
                parts.append(row[c])
        labels.append("/".join(parts))
    return labels


def _flat(text: str | None) -> str:
    return "".join(text.split()) if text else ""


def _values(row: Row, positions: Sequence[int | None]) -> Iterable[str | None]:
    width = len(row)
    return (row[p] if p is not None and p < width else None for p in positions)


def _positions(shape: Shape, header: Header) -> list[int | None]:
    at = {known.name: index for index, known in enumerate(header.fields) if known is not None}
    return [at.get(f.name) for f in shape.fields]


def _extras(row: Row, extras: Sequence[tuple[int, str]]) -> dict[str, str]:
    return {label: value for index, label in extras if index < len(row) and (value := row[index])}


def _table(
    grid: Grid, merges: Sequence[Merge] | None, shape: Shape, where: str, sheet: str
) -> SheetRows:
    depth = int(shape.option("header_rows", 1))
    best: tuple[int, int, Header] | None = None
    for top in range(min(len(grid) - depth + 1, _SEARCH)):
        header = match_header(shape, compose(grid, merges, top, top + depth))
        if header is not None:
            count = sum(known is not None for known in header.fields)
            if best is None or count > best[0]:
                best = (count, top, header)
    if best is None:
        raise unknown_header(shape, where, _first_texts(grid))
    _, top, header = best
    check_header(shape, header, f"{where}:{top + depth}")
    _check_unit(shape, grid[:top], where)
    positions, extras = _positions(shape, header), header.extras
    totals = Totals(shape.total_columns(header))
    blob, beside, noted = _Blob(), [], False
    covered = _covered(grid, merges, top + depth) if shape.option("fill_merged", False) else {}
    for number_, row in enumerate(grid[top + depth :], top + depth + 1):
        # A row inside a merge is judged by its own cells: blank, total or note as it stands.
        filled = sum(1 for cell in row if cell and not cell.isspace())
        if not filled:
            continue
        kind = shape.total_kind(row)
        if kind is not None:
            totals.total(number_, kind, row)
            continue
        if shape.is_footnote(row) or (noted and filled == 1):
            noted = True
            continue
        if number_ - 1 in covered:
            row = _filled(row, covered[number_ - 1])
        totals.detail(row)
        blob.add(number_, _values(row, positions))
        if extras and (values := _extras(row, extras)):
            beside.append((number_, values))
    missing = header.absent(shape)
    return _sheet(shape, sheet, where, blob, beside, extras, missing, totals)


def _covered(
    grid: Grid, merges: Sequence[Merge] | None, first: int
) -> dict[int, list[tuple[int, str]]]:
    """Column and text of the merged cell above, for every data row that vertical merges cover."""
    found: dict[int, list[tuple[int, str]]] = {}
    for (r0, c), (r1, _) in merges or ():
        value = grid[r0][c] if first <= r0 < len(grid) and c < len(grid[r0]) else None
        if value:
            for r in range(r0 + 1, r1 + 1):
                found.setdefault(r, []).append((c, value))
    return found


def _filled(row: Row, cells: Sequence[tuple[int, str]]) -> Row:
    width = max(len(row), *(c + 1 for c, _ in cells))
    full = [*row, *[None] * (width - len(row))]
    for c, value in cells:
        full[c] = value
    return full


def _sheet(
    shape: Shape,
    sheet: str,
    where: str,
    blob: _Blob,
    beside: list[tuple[int, dict[str, str]]],
    extras: Sequence[tuple[int, str]],
    missing: tuple[str, ...],
    totals: Totals | None,
) -> SheetRows:
    if blob.rows == 0:
        raise LandingError(
            "LND-002",
            f"{where}：只有表头，没有数据。 Header only, no data rows.",
            hint="请确认导出条件后重新导出 / check the export and send again",
        )
    return SheetRows(
        sheet, blob.bytes(), blob.rows, tuple(beside), tuple(label for _, label in extras),
        tuple(totals.mismatches()) if totals else (), missing,
    )  # fmt: skip


def _first_texts(grid: Grid) -> list[str]:
    rows = [[cell for cell in row if cell] for row in grid[:5]]
    return max(rows, key=len, default=[])


def _check_unit(shape: Shape, above: Grid, where: str) -> None:
    """Raise LND-023 when the note above the header names another unit than the contract."""
    pattern, wanted = shape.option("unit_pattern", None), shape.option("unit", None)
    if not pattern or not wanted:
        return
    text = " ".join(cell for row in above for cell in row if cell)
    found = re.search(pattern, unicodedata.normalize("NFKC", text))
    unit = found.group("unit").rstrip(")") if found else wanted
    if unit != wanted:
        raise LandingError(
            "LND-023",
            f"{where}：表头注明单位为「{unit}」，本表约定单位为「{wanted}」。"
            f" The sheet states its amounts in {unit} instead of {wanted}.",
            hint="请换算后更正单位，重新报送 / convert the amounts, correct the note, send again",
        )


def _form(
    grid: Grid, merges: Sequence[Merge] | None, shape: Shape, where: str, sheet: str
) -> SheetRows:
    ordinal = clean_label(str(shape.option("ordinal_label", "甲")))
    bottom = next(
        (i for i, row in enumerate(grid[:_SEARCH]) if row and clean_label(row[0] or "") == ordinal),
        None,
    )
    if bottom is None:
        raise unknown_header(shape, where, _first_texts(grid))
    corner, corner_row = _corner(grid, shape, bottom, sheet)
    if "reporter_code" not in corner:
        raise LandingError(
            "LND-003",
            f"{where}:2：表左上角没有「学校（机构）标识码」或「县（市、区）代码」。"
            " The corner names no reporter.",
            hint="请用系统导出的原表报送，不要改动表头 / send the form as exported",
        )
    year = corner.get("form_year")
    if year is not None and year != shape.period:
        raise LandingError(
            "LND-018",
            f"{where}:{corner_row + 1}：表内学年为 {year}，报送期间为 {shape.period}。"
            f" The form is of {year}, the delivery of {shape.period}.",
            hint="请报送本学年的报表 / send the form of this school year",
        )
    inner = Shape(
        shape.dataset, "table",
        tuple(f for f in shape.fields if f.name not in _CORNER_COLUMNS), None, shape.period,
        shape.options,
    )  # fmt: skip
    header = None
    for top in range(corner_row + 1, bottom):
        header = match_header(inner, compose(grid, merges, top, bottom))
        if header is not None:
            break
    if header is None:
        raise unknown_header(inner, where, _first_texts(grid[corner_row + 1 : bottom]))
    check_header(inner, header, f"{where}:{bottom}")
    positions, extras = _positions(shape, header), header.extras
    fixed = [corner.get(f.name) if f.name in _CORNER_COLUMNS else None for f in shape.fields]
    blob, beside = _Blob(), []
    for number_, row in enumerate(grid[bottom + 1 :], bottom + 2):
        if not any(cell and not cell.isspace() for cell in row) or shape.is_footnote(row):
            continue
        blob.add(
            number_,
            [known or value for known, value in zip(fixed, _values(row, positions), strict=True)],
        )
        if extras and (values := _extras(row, extras)):
            beside.append((number_, values))
    missing = header.absent(inner)
    return _sheet(shape, sheet, where, blob, beside, extras, missing, None)


def _corner(grid: Grid, shape: Shape, bottom: int, sheet: str) -> tuple[dict[str, str], int]:
    """Read who reports what from the sheet name and the first row above the header that says so."""
    found: dict[str, str] = {}
    named = re.search(str(shape.option("sheet", "")), sheet)
    if named:
        found.update({key: value for key, value in named.groupdict().items() if value})
    corner_row = 0
    for index in range(bottom):
        text = " ".join(cell for cell in grid[index] if cell)
        for pattern in shape.option("corner", []):
            match = re.search(pattern, text)
            if match:
                found.update({k: v.strip() for k, v in match.groupdict().items() if v})
                corner_row = index
        if "reporter_code" in found:
            break
    return found, corner_row


def _crosstab(
    grid: Grid, merges: Sequence[Merge] | None, shape: Shape, where: str, sheet: str
) -> list[SheetRows]:
    depth = int(shape.option("header_rows", 1))
    label_column = str(shape.options["row_label"]["column"])
    corner = re.compile(shape.options["row_label"]["header"])
    pattern = re.compile(shape.options["column_pattern"])
    value_column = str(shape.options["value"])
    strip = str(shape.option("strip", " \t\u3000\xa0\r\n"))
    top, at = _find_corner(grid, corner, strip)
    if top is None:
        raise unknown_header(shape, where, _first_texts(grid))
    labels = compose(grid, merges, top, min(top + depth, len(grid)))
    body = [
        (i, row) for i, row in enumerate(grid[top + depth :], top + depth + 1)
        if any(cell and cell.strip(strip) for cell in row)
    ]  # fmt: skip
    columns: list[tuple[int, dict[str, str]]] = []
    extras: list[tuple[int, str]] = []
    seen: dict[str, int] = {}
    for index, label in enumerate(labels):
        label = label.strip(strip)
        if index == at or not label:
            continue
        match = pattern.search(label)
        if match is None:
            extras.append((index, label))
            continue
        if label in seen:
            raise LandingError(
                "LND-005",
                f"{where}:{top + 1}：表头重复，第 {seen[label] + 1} 列与第 {index + 1} 列"
                f"都是「{label}」。 Duplicate header.",
                hint="请删去其中一列 / remove one of the two columns",
            )
        seen[label] = index
        columns.append((index, match.groupdict()))
    if not columns:
        raise unknown_header(shape, where, labels)
    totals = Totals({index: labels[index] for index, _ in columns})
    rows: list[tuple[int, str, Row]] = []
    noted = False
    for number_, row in body:
        cells: Row = [cell.strip(strip) or None if cell else None for cell in row]
        label_text = cells[at] if at < len(cells) else None
        filled = sum(cell is not None for cell in cells)
        kind = shape.total_kind([label_text])
        if shape.is_footnote(cells) or (noted and filled == 1):
            noted = True
        elif kind is not None:
            totals.total(number_, kind, cells)
        elif label_text is not None:
            totals.detail(cells)
            rows.append((number_, label_text, cells))
    results = []
    mismatches = tuple(totals.mismatches())
    for order, (index, groups) in enumerate(columns):
        blob = _Blob()
        for number_, label_text, cells in rows:
            value = cells[index] if index < len(cells) else None
            blob.add(
                number_,
                [
                    label_text if f.name == label_column
                    else value if f.name == value_column
                    else groups.get(f.name)
                    for f in shape.fields
                ],
            )  # fmt: skip
        beside = [
            (number_, values) for number_, _, cells in rows if (values := _extras(cells, extras))
        ]
        results.append(
            SheetRows(
                sheet, blob.bytes(), blob.rows, tuple(beside) if order == 0 else (),
                tuple(label for _, label in extras) if order == 0 else (),
                mismatches if order == 0 else (),
            )
        )  # fmt: skip
    if not rows:
        raise LandingError(
            "LND-002",
            f"{where}：只有表头，没有数据。 Header only.",
            hint="请重新导出 / export again",
        )
    return results


def _find_corner(grid: Grid, corner: re.Pattern[str], strip: str) -> tuple[int | None, int]:
    for index, row in enumerate(grid[:_SEARCH]):
        for at, cell in enumerate(row[:3]):
            # A preamble line is one long text; the header's corner stands among other labels.
            if cell and corner.search(cell.strip(strip)) and sum(map(bool, row)) > 1:
                return index, at
    return None, 0
