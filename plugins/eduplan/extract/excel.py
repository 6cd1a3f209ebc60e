"""Workbooks through python-calamine: cells as the text a person would have typed."""

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, load_workbook

from eduplan.errors import LandingError
from eduplan.extract.file import broken_workbook, locked_workbook
from eduplan.extract.layout import Merge, SheetRows, read_sheet
from eduplan.extract.shape import Shape

_EXACT = 2**53
_MAX_CELLS = 60_000_000


def cell_text(value: Any) -> str | None:
    """Return one cell as text: integers exactly, dates in ISO form, text as it is, blank as None.

    A number of 16 and more digits was rounded when it was typed: it is written in scientific
    notation, as Excel shows it, so that a lost ID is seen and not taken for one.
    """
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        if abs(value) < _EXACT:
            if value == int(value):
                return str(int(value))
            text = repr(value)
            return format(Decimal(text), "f") if "e" in text else text
        mantissa, _, exponent = f"{value:.14E}".partition("E")
        return f"{mantissa.rstrip('0').rstrip('.')}E{int(exponent):+03d}"
    if isinstance(value, dt.datetime):
        midnight = value.time() == dt.time()
        return value.date().isoformat() if midnight else value.isoformat(sep=" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return None if value is None else str(value)


def read_workbook(path: Path, name: str, shape: Shape) -> list[SheetRows]:
    """Read every sheet of the workbook at ``path`` that belongs to the dataset of ``shape``.

    Returns nothing when the workbook holds only other forms of the same family. A form's sheet
    that cannot be read is returned with its error, so that the others land.
    Raises LandingError LND-013, 014, 016, 017 and those of the layout.
    """
    try:
        book = load_workbook(path)
    except PasswordError:
        raise locked_workbook(name) from None
    except CalamineError as error:
        raise broken_workbook(name, type(error).__name__) from None
    with book:
        names = _sheets(book, name, shape)
        results: list[SheetRows] = []
        unknown: LandingError | None = None
        for sheet in names:
            try:
                grid, merges = _grid(book, sheet, name)
                results += read_sheet(grid, merges, shape, name, sheet)
            except LandingError as error:
                if error.code == "LND-018":
                    raise  # one workbook is of one school year: no sheet of it is of ours
                if shape.layout == "form":
                    results.append(
                        SheetRows(sheet, error_code=error.code, error=str(error), hint=error.hint)
                    )
                elif "sheet" not in shape.options and error.code in ("LND-001", "LND-003"):
                    # Without a sheet pattern: cover and instruction sheets are passed over.
                    unknown = unknown if unknown and unknown.code == "LND-003" else error
                    continue
                else:
                    raise
            if shape.layout != "form" and "sheet" not in shape.options:
                break
        if not results and unknown is not None:
            raise unknown
    return results


def _sheets(book: CalamineWorkbook, name: str, shape: Shape) -> list[str]:
    pattern = shape.option("sheet", None)
    if pattern is None:
        return list(book.sheet_names)
    names = [sheet for sheet in book.sheet_names if re.search(pattern, sheet)]
    family = shape.option("family", None)
    if not names and not (family and any(re.search(family, s) for s in book.sheet_names)):
        shown = "、".join(book.sheet_names[:8])
        raise LandingError(
            "LND-017",
            f"{name}：工作簿里没有本表的工作表，只有：{shown}。"
            " Workbook of another form: no matching sheet.",
            hint="请报送本表，不要改动工作表名 / send this form, sheet names unchanged",
        )
    return names


def _grid(
    book: CalamineWorkbook, sheet: str, name: str
) -> tuple[list[list[str | None]], list[Merge] | None]:
    try:
        data = book.get_sheet_by_name(sheet)
        if data.total_height * data.total_width > _MAX_CELLS:
            raise LandingError(
                "LND-016",
                f"{name}!{sheet}：单元格过多（{data.total_height} 行 × {data.total_width} 列）。"
                " Too many cells.",
                hint="请删去空白行列后报送 / remove the blank rows and columns",
            )
        rows = data.to_python(skip_empty_area=False)
        merges = data.merged_cell_ranges
    except CalamineError as error:
        raise broken_workbook(name, f"{sheet}: {type(error).__name__}") from None
    return [[cell_text(cell) for cell in row] for row in rows], merges
