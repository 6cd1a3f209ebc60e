"""Student lists as CSV: encoding, an extra column, lines spoilt as bytes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from demo.city.ledger import Entry
from demo.city.planting import LATEST

DRIFT_REGION = 3  # its latest student list has a column the contract does not know
UTF8_REGION = 2  # its latest student list is UTF-8 with BOM although GB18030 is declared


def write_student_csv(
    path: Path,
    file: str,
    period: str,
    region: int,
    year: int,
    frame: pl.DataFrame,
    header: Iterable[str],
    edits: dict[int, str],
) -> list[Entry]:
    """Write a county's student list; two counties deviate from the form in the latest year."""
    entries = []
    labels = list(header)
    if year == LATEST and region == DRIFT_REGION:
        extra = pl.Series("extra", ["无"]).extend_constant("无", frame.height - 1)
        frame = frame.with_columns(extra.alias("残疾类型"))
        labels.append("残疾类型")
        entries.append(
            Entry(
                "students",
                period,
                file,
                "",
                None,
                "残疾类型",
                "csv-extra-column",
                "LND-006",
                "lands beside",
            )
        )
    data = csv_bytes(frame, labels)
    if year == LATEST and region == UTF8_REGION:
        data = b"\xef\xbb\xbf" + data
        path.write_bytes(spoil(data, edits))
        entries.append(
            Entry(
                "students",
                period,
                file,
                "",
                None,
                "",
                "csv-utf8-bom",
                "LND-007",
                "declared GB18030",
            )
        )
    else:
        path.write_bytes(spoil(to_gb18030(data), edits))
    return entries


def to_gb18030(text: bytes) -> bytes:
    """Transcode UTF-8 bytes in chunks of whole lines."""
    out = []
    start = 0
    while start < len(text):
        end = text.find(b"\n", start + 8_000_000) + 1 or len(text)
        out.append(text[start:end].decode().encode("gb18030"))
        start = end
    return b"".join(out)


def csv_bytes(frame: pl.DataFrame, header: Iterable[str]) -> bytes:
    """Return a frame of text columns as UTF-8 CSV with the given header labels."""
    data: str = frame.write_csv(include_header=False, null_value="", line_terminator="\n")
    return (",".join(header) + "\n" + data).encode()


def spoil(data: bytes, edits: dict[int, str]) -> bytes:
    """Break single lines of a GB18030 CSV (header is line 0): a field too many, a stray byte."""
    if not edits:
        return data
    lines = data.split(b"\n")
    for row, how in edits.items():
        line = lines[row + 1]
        if how == "csv-ragged":
            line += b",1"
        else:
            fields = line.split(b",")
            fields[1] = fields[1] + b"\xff"
            line = b",".join(fields)
        lines[row + 1] = line
    return b"\n".join(lines)
