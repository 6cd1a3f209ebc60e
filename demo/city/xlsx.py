"""A small, fast SpreadsheetML writer: enough of the format for source files, nothing more.

Strings are written inline and cells carry no styles, so a sheet is a plain concatenation of
text; a county's 100,000 rows are rendered by polars expressions instead of a Python loop.
Every archive member has the same fixed time stamp, so equal content means equal bytes.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

Cell = str | int | float | None

_STAMP = (2025, 9, 20, 8, 0, 0)
_NS = "http://schemas.openxmlformats.org"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_ROOT_RELS = (
    f'{_HEAD}<Relationships xmlns="{_NS}/package/2006/relationships">'
    f'<Relationship Id="rId1" Type="{_NS}/officeDocument/2006/relationships/officeDocument"'
    ' Target="xl/workbook.xml"/></Relationships>'
)
_STYLES = (
    f'{_HEAD}<styleSheet xmlns="{_NS}/spreadsheetml/2006/main">'
    '<fonts count="1"><font><sz val="10"/><name val="SimSun"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    "</styleSheet>"
)


@dataclass(frozen=True)
class Sheet:
    """One worksheet: its name, its `<row>` elements as text, and merged ranges like ``A1:F1``."""

    name: str
    body: str | bytes
    merges: tuple[str, ...] = field(default=())


def escape(text: str) -> str:
    """Return text with the three characters XML forbids in content replaced by entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def column_letter(index: int) -> str:
    """Return the spreadsheet letters of a 0-based column (0 is A, 26 is AA)."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


_LETTERS = tuple(column_letter(i) for i in range(200))


def row_xml(number: int, cells: Sequence[Cell], start: int = 0) -> str:
    """Render one row (1-based number); None is no cell, numbers are numeric cells."""
    parts = [f'<row r="{number}">']
    for i, value in enumerate(cells, start):
        if value is None or value == "":
            continue
        ref = f"{_LETTERS[i]}{number}"
        if isinstance(value, str):
            parts.append(
                f'<c r="{ref}" t="inlineStr"><is><t xml:space="preserve">'
                f"{escape(value)}</t></is></c>"
            )
        else:
            parts.append(f'<c r="{ref}"><v>{value}</v></c>')
    parts.append("</row>")
    return "".join(parts)


def rows_xml(rows: Iterable[Sequence[Cell]], first: int = 1) -> str:
    """Render consecutive rows starting at row number `first`."""
    return "".join(row_xml(i, r) for i, r in enumerate(rows, first))


def frame_xml(frame: pl.DataFrame, first: int) -> bytes:
    """Render all rows of a frame of text columns as inline-string rows; null is an empty cell."""
    number = pl.int_range(first, first + frame.height).cast(pl.String)
    pieces: list[pl.Expr] = [pl.lit('<row r="'), pl.col("_n"), pl.lit('">')]
    for i, name in enumerate(frame.columns):
        letter = _LETTERS[i]
        text = (
            pl.col(name)
            .str.replace_all("&", "&amp;", literal=True)
            .str.replace_all("<", "&lt;", literal=True)
        )
        cell = pl.concat_str(
            pl.lit(f'<c r="{letter}'),
            pl.col("_n"),
            pl.lit('" t="inlineStr"><is><t xml:space="preserve">'),
            text,
            pl.lit("</t></is></c>"),
        )
        pieces.append(pl.when(pl.col(name).is_null()).then(pl.lit("")).otherwise(cell))
    pieces.append(pl.lit("</row>"))
    out = io.BytesIO()
    step = 20_000
    numbered = frame.with_columns(number.alias("_n"))
    for offset in range(0, frame.height, step):
        chunk = numbered.slice(offset, step).select(pl.concat_str(pieces).alias("x"))["x"]
        out.write("".join(chunk.to_list()).encode())
    return out.getvalue()


def workbook_bytes(sheets: Sequence[Sheet], level: int = 1) -> bytes:
    """Return a complete .xlsx file with the given sheets."""
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{i}.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    types = (
        f'{_HEAD}<Types xmlns="{_NS}/package/2006/content-types">'
        '<Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        '<Override PartName="/xl/workbook.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
        '<Override PartName="/xl/styles.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>'
        f"{overrides}</Types>"
    )
    names = "".join(
        f'<sheet name="{escape(s.name)}" sheetId="{i}" r:id="rId{i}"/>'
        for i, s in enumerate(sheets, 1)
    )
    book = (
        f'{_HEAD}<workbook xmlns="{_NS}/spreadsheetml/2006/main"'
        f' xmlns:r="{_NS}/officeDocument/2006/relationships"><sheets>{names}</sheets></workbook>'
    )
    targets = "".join(
        f'<Relationship Id="rId{i}" Type="{_NS}/officeDocument/2006/relationships/worksheet"'
        f' Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    rels = (
        f'{_HEAD}<Relationships xmlns="{_NS}/package/2006/relationships">{targets}'
        f'<Relationship Id="rId{len(sheets) + 1}" Type="{_NS}/officeDocument/2006/relationships/'
        'styles" Target="styles.xml"/></Relationships>'
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:

        def put(name: str, data: str | bytes) -> None:
            info = zipfile.ZipInfo(name, _STAMP)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            info.create_system = 3
            archive.writestr(info, data, compresslevel=level)

        put("[Content_Types].xml", types)
        put("_rels/.rels", _ROOT_RELS)
        put("xl/workbook.xml", book)
        put("xl/_rels/workbook.xml.rels", rels)
        put("xl/styles.xml", _STYLES)
        for i, sheet in enumerate(sheets, 1):
            merged = ""
            if sheet.merges:
                refs = "".join(f'<mergeCell ref="{m}"/>' for m in sheet.merges)
                merged = f'<mergeCells count="{len(sheet.merges)}">{refs}</mergeCells>'
            head = f'{_HEAD}<worksheet xmlns="{_NS}/spreadsheetml/2006/main"><sheetData>'.encode()
            body = sheet.body.encode() if isinstance(sheet.body, str) else sheet.body
            tail = f"</sheetData>{merged}</worksheet>".encode()
            put(f"xl/worksheets/sheet{i}.xml", head + body + tail)
    return buffer.getvalue()


def write_workbook(path: Path, sheets: Sequence[Sheet]) -> int:
    """Write a workbook and return its size in bytes."""
    data = workbook_bytes(sheets)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return len(data)


def encrypted_workbook(payload: bytes) -> bytes:
    """Return an OLE compound file shaped like a password-protected workbook.

    Excel stores such a workbook as a compound file with the streams ``EncryptionInfo`` and
    ``EncryptedPackage`` ([MS-OFFCRYPTO] 2.3). The payload here is not truly encrypted: the file
    only has to be recognised, never opened. Streams are padded to 4096 bytes, so that no
    mini stream is needed.
    """
    sector = 512
    info = (struct.pack("<HHI", 4, 4, 0x40) + b'<encryption xmlns="synthetic"/>').ljust(4096, b" ")
    package = (struct.pack("<Q", len(payload)) + payload).ljust(4096, b"\0")
    package += b"\0" * (-len(package) % sector)
    streams = [("EncryptionInfo", info), ("EncryptedPackage", package)]
    end, free, fat_mark = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
    counts = [len(data) // sector for _, data in streams]
    total = 1 + sum(counts)  # directory sector, then the streams
    fat_sectors = 1
    while fat_sectors * 128 < total + fat_sectors:
        fat_sectors += 1
    fat = [fat_mark] * fat_sectors + [end]
    starts = []
    for count in counts:
        first = len(fat)
        starts.append(first)
        fat += [*range(first + 1, first + count), end]
    fat += [free] * (fat_sectors * 128 - len(fat))

    def entry(name: str, kind: int, start: int, size: int, child: int, right: int) -> bytes:
        raw = (name + "\0").encode("utf-16-le")
        return struct.pack(
            "<64sHBBIII16sIQQIQ",
            raw,
            len(raw),
            kind,
            1,
            free,
            right,
            child,
            b"",
            0,
            0,
            0,
            start,
            size,
        )

    directory = entry("Root Entry", 5, end, 0, 1, free)
    directory += entry(streams[0][0], 2, starts[0], len(info), free, 2)
    directory += entry(streams[1][0], 2, starts[1], len(package), free, free)
    directory += b"\0" * (sector - len(directory))
    header = struct.pack(
        "<8s16sHHHHH6sIIIIIIIII",
        bytes.fromhex("d0cf11e0a1b11ae1"),
        b"",
        0x3E,
        3,
        0xFFFE,
        9,
        6,
        b"",
        0,
        fat_sectors,
        fat_sectors,
        0,
        4096,
        end,
        0,
        end,
        0,
    )
    difat = [*range(fat_sectors)] + [free] * (109 - fat_sectors)
    header += struct.pack("<109I", *difat)
    return header + struct.pack(f"<{len(fat)}I", *fat) + directory + info + package
