"""Files that are read whole: workbooks and small irregular CSV. Runs in light worker processes."""

from dataclasses import dataclass
from pathlib import Path

from eduplan.errors import LandingError
from eduplan.extract import csv
from eduplan.extract.file import check_workbook
from eduplan.extract.layout import SheetRows, read_sheet
from eduplan.extract.shape import Shape

_MAX_GRID = 64 << 20


@dataclass(frozen=True)
class FileRows:
    """What one file gave: sheets, or the error that rejects it as a whole."""

    format: str
    encoding: str | None = None
    reason: str | None = None
    differs: bool = False
    sheets: tuple[SheetRows, ...] = ()
    error_code: str | None = None
    error: str | None = None
    hint: str = ""


def read_file(path: Path, name: str, kind: str, shape: Shape) -> FileRows:
    """Read the file at ``path`` (delivered as ``name``, sniffed as ``kind``); never raises for bad
    input.
    """
    found = kind
    try:
        if kind == "csv":
            return _csv(path, name, shape)
        found = check_workbook(path, name, kind)
        from eduplan.extract.excel import read_workbook

        return FileRows(found, sheets=tuple(read_workbook(path, name, shape)))
    except LandingError as error:
        return FileRows(found, error_code=error.code, error=str(error), hint=error.hint)


def _csv(path: Path, name: str, shape: Shape) -> FileRows:
    if path.stat().st_size > _MAX_GRID:
        raise LandingError(
            "LND-016",
            f"{name}：交叉表文件超过 {_MAX_GRID >> 20} MB。 Too big for a cross-table.",
            hint="请分开报送 / split it",
        )
    content = path.read_bytes()
    declared = csv.codec(shape.encoding)
    first: LandingError | None = None
    for encoding, reason in csv.candidates(content[:4], declared):
        if not csv.decodes(content, encoding):
            continue
        try:
            grid = csv.grid(content, name, encoding, str(shape.option("delimiter", ",")))
            sheets = read_sheet(grid, None, shape, name, "")
        except LandingError as error:
            # Read in a wrong encoding no header is known: the next one may be right.
            if error.code != "LND-003":
                raise
            first = first or error
            continue
        differs = declared is not None and encoding != declared and not content.isascii()
        return FileRows("csv", encoding, reason, differs, tuple(sheets))
    raise first or LandingError(
        "LND-008",
        f"{name}：无法解码，不是可识别的文本编码。 Undecodable text.",
        hint="请用 UTF-8 或 GB18030 编码重新导出 / export it as UTF-8 or GB18030",
    )
