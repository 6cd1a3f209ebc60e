"""CSV as it comes: any encoding, preambles, stray quotes, ragged lines.

Two readers share one plan. The fast one lets the bytes through to the server untouched and only
counts lines; the row-aware one is taken when the server refuses them or when the bytes hold
something that the server would read differently from what a person sees (stray quotes, quoted
newlines, totals and notes at the foot): it names each bad line and keeps the rest.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from eduplan.errors import LandingError
from eduplan.extract.file import HEAD, nul_bytes
from eduplan.extract.shape import Header, Shape, check_header, match_header, unknown_header
from eduplan.extract.totals import Totals

SERVER_NAME = {"utf-8": "UTF8", "gb18030": "GB18030", "big5": "BIG5", "cp1252": "WIN1252"}
_PREAMBLE = 40
_MAX_RECORD_LINES = 500
_MAX_BAD_SHARE = 0.5
_CODECS = {
    "utf8": "utf-8", "utf-8": "utf-8", "utf-8-sig": "utf-8", "gbk": "gb18030", "gb2312": "gb18030",
    "gb18030": "gb18030", "big5": "big5", "cp1252": "cp1252", "windows-1252": "cp1252",
    "ascii": "utf-8",
}  # fmt: skip
# A quote with ordinary characters on both sides neither opens nor closes a field.
STRAY_QUOTE = re.compile(rb'[^,\t;\r\n"]"[^,\t;\r\n"]')
_TRIGGERS = frozenset("合小总注说数资备*※")


@dataclass(frozen=True)
class Plan:
    """How to read one CSV file: codec, header, where the data begins."""

    encoding: str
    reason: str
    declared: str | None
    delimiter: str
    header: Header
    data_offset: int
    first_row: int
    newline: bytes = b"\n"

    @property
    def width(self) -> int:
        """Number of columns of the file."""
        return len(self.header.fields)

    @property
    def differs(self) -> bool:
        """Tell whether the encoding is another one than the contract declares (LND-007)."""
        return self.declared is not None and self.encoding != self.declared


@dataclass(frozen=True)
class BadLine:
    """One line that cannot become a row; ``text`` is the line as far as it can be shown."""

    row: int
    code: str
    reason: str
    text: str


def codec(name: str | None) -> str | None:
    """Return the Python codec for a declared encoding (GBK and GB2312 widen to GB18030)."""
    return None if name is None else _CODECS.get(name.strip().lower(), name.strip().lower())


def candidates(head: bytes, declared: str | None) -> list[tuple[str, str]]:
    """List (codec, reason) in the order of belief: BOM, strict UTF-8, declaration, fallbacks."""
    if head.startswith(b"\xef\xbb\xbf"):
        return [("utf-8", "bom")]
    if head.startswith(b"\x84\x31\x95\x33"):
        return [("gb18030", "bom")]
    order = [("utf-8", "strict utf-8")]
    if declared is not None and declared != "utf-8":
        order.append((declared, "declared"))
    order += [(c, "fallback") for c in ("gb18030", "big5", "cp1252") if c != declared]
    return order


def decodes(chunk: bytes, encoding: str) -> bool:
    """Tell whether ``chunk`` is strictly valid in ``encoding``."""
    try:
        chunk.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def make_plan(head: bytes, name: str, shape: Shape, *, complete: bool, forced: str = "") -> Plan:
    """Choose encoding and header from the first bytes of a file.

    ``complete`` says that ``head`` is the whole file; ``forced`` fixes the codec after a count of
    bad lines. Raises LandingError LND-003, 004, 005, or LND-002 when only a header is there.
    """
    declared = codec(shape.encoding)
    newline = b"\r" if b"\n" not in head and b"\r" in head else b"\n"
    whole = head if complete else head[: head.rfind(newline) + 1]
    order = candidates(head, declared)
    if forced:
        order = [(c, r) for c, r in order if c == forced] or [(forced, "fallback")]
    else:
        # Bad bytes in the head must not lose a file: its header line still tells the encoding.
        # cp1252 reads anything, so it is never believed before the others.
        order.sort(key=lambda c: (c[0] == "cp1252" != declared, not decodes(whole, c[0])))
    seen: list[str] = []
    for encoding, reason in order:
        text = whole.decode(encoding, "replace")
        found = _find_header(text, shape, newline.decode())
        if isinstance(found, list):
            seen = found if encoding == (declared or order[0][0]) or not seen else seen
            continue
        header, line, delimiter = found
        check_header(shape, header, f"{name}:{line}")
        parts = whole.split(newline)
        offset = sum(len(part) + 1 for part in parts[:line])
        plan = Plan(
            encoding, reason, declared, delimiter, header, min(offset, len(whole)), line + 1,
            newline,
        )  # fmt: skip
        if complete and not whole[plan.data_offset :].strip():
            raise only_header(name)
        return plan
    raise unknown_header(shape, name, seen)


def only_header(name: str) -> LandingError:
    """Build LND-002: a header and no data."""
    return LandingError(
        "LND-002",
        f"{name}：只有表头，没有数据。 Header only, no data rows.",
        hint="请确认导出条件后重新导出 / check the export and send again",
    )


def _find_header(text: str, shape: Shape, newline: str) -> tuple[Header, int, str] | list[str]:
    lines = text.lstrip("\ufeff").split(newline)
    seen: list[str] = []
    for delimiter in (",", "\t", ";"):
        reader = csv.reader((line + "\n" for line in lines[: 4 * _PREAMBLE]), delimiter=delimiter)
        try:
            for count, cells in enumerate(reader):
                if count >= _PREAMBLE:
                    break
                header = match_header(shape, cells)
                if header is not None:
                    return header, reader.line_num, delimiter
                if len(seen) < len(cells) and count < 5:
                    seen = cells
        except csv.Error:
            continue
    return seen


def best_encoding(source: BinaryIO, name: str, shape: Shape, head: bytes) -> str:
    """Read the whole file and return the codec with the fewest undecodable lines.

    Only codecs under which the header in ``head`` is recognised are considered; cp1252 accepts
    nearly anything, so it is taken when every other codec fails on more than a tenth of the lines.
    Raises LND-003 when no codec shows the header, LND-008 when none reads half of the lines.
    """
    declared = codec(shape.encoding)
    order = []
    for encoding, _ in candidates(head, declared):
        try:
            make_plan(head, name, shape, complete=False, forced=encoding)
        except LandingError as error:
            if error.code != "LND-003":
                raise
        else:
            order.append(encoding)
    if not order:
        make_plan(head, name, shape, complete=False)
    source.seek(0)
    bad = dict.fromkeys(order, 0)
    lines = 0
    for chunk in line_chunks(source, b"\n"):
        lines += chunk.count(b"\n")
        for encoding in order:
            if not decodes(chunk, encoding):
                bad[encoding] += sum(not decodes(line, encoding) for line in chunk.split(b"\n"))
    strong = [c for c in order if c != "cp1252" or c == declared] or order
    best = min(strong, key=lambda c: bad[c])
    if bad[best] > 0.1 * max(lines, 1) and bad.get("cp1252") == 0:
        best = "cp1252"
    if bad[best] > _MAX_BAD_SHARE * max(lines, 1):
        raise LandingError(
            "LND-008",
            f"{name}：{bad[best]}/{max(lines, 1)} 行无法解码，不是可识别的文本编码。"
            " Most lines cannot be decoded.",
            hint="请用 UTF-8 或 GB18030 编码重新导出 / export it as UTF-8 or GB18030",
        )
    return best


def line_chunks(source: BinaryIO, newline: bytes, first: bytes = b"") -> Iterator[bytes]:
    """Yield blocks of whole lines; the last one may lack its newline."""
    rest = first
    while block := source.read(HEAD):
        block = rest + block if rest else block
        cut = block.rfind(newline) + 1
        if cut:
            yield block[:cut]
        rest = block[cut:]
    if rest:
        yield rest


def has_foot(tail: bytes, plan: Plan, shape: Shape) -> bool:
    """Tell whether the last lines of a file hold totals or notes, which are not data."""
    for line in tail.decode(plan.encoding, "replace").split("\n")[-60:]:
        start = line[:24]
        if not _TRIGGERS.isdisjoint(start):
            cells = line.rstrip("\r").split(plan.delimiter)
            if shape.total_kind(cells) or shape.is_footnote(cells):
                return True
    return False


@dataclass
class RowReader:
    """The row-aware reader: iterate for blocks of UTF-8 CSV, each line led by its row number.

    After the iteration ``bad`` lists the lines left out, ``totals`` the rows reconciled and
    ``rows`` how many were passed on. Raises LandingError LND-010 and LND-012 while iterating.
    """

    source: BinaryIO
    name: str
    plan: Plan
    shape: Shape
    bad: list[BadLine] = field(default_factory=list)
    rows: int = 0
    max_bad: int = 100_000

    def __post_init__(self) -> None:
        d = re.escape(self.plan.delimiter)
        plain = rf'[^"{d}\r\n]*'
        quoted = r'"(?:[^"]+|"")*+"'
        # What the server reads exactly as a person does.
        self._canonical = re.compile(rf"(?:{quoted}|{plain})(?:{d}(?:{quoted}|{plain}))*")
        # What is a whole record at all: a quote opens only at the start of a field.
        one = rf'(?:{quoted}(?!")[^{d}]*|[^"{d}][^{d}]*|)'
        self._whole = re.compile(rf"{one}(?:{d}{one})*")
        self.totals = Totals(self.shape.total_columns(self.plan.header))

    def __iter__(self) -> Iterator[bytes]:
        self.source.seek(self.plan.data_offset)
        lines = self._lines()
        out: list[str] = []
        size = 0
        for row, record in self._records(lines):
            text = self._accept(row, record)
            if text is None:
                continue
            out.append(text)
            self.rows += 1
            size += len(text)
            if size > HEAD // 2:
                yield "".join(out).encode()
                out, size = [], 0
        if out:
            yield "".join(out).encode()

    def _lines(self) -> Iterator[tuple[int, str]]:
        """Yield (physical line number, text without its line end); undecodable lines go to bad."""
        row = self.plan.first_row
        newline = self.plan.newline
        for chunk in line_chunks(self.source, newline):
            if b"\0" in chunk:
                at = chunk.index(b"\0")
                raise nul_bytes(self.name, row + chunk.count(newline, 0, at))
            body = chunk[:-1] if chunk.endswith(newline) else chunk
            try:
                texts: list[str | None] = list(
                    body.decode(self.plan.encoding).split(newline.decode())
                )
            except UnicodeDecodeError:
                texts = [self._decode(row + i, b) for i, b in enumerate(body.split(newline))]
            for text in texts:
                if text is not None:
                    yield row, text[:-1] if text.endswith("\r") else text
                row += 1

    def _decode(self, row: int, line: bytes) -> str | None:
        try:
            return line.decode(self.plan.encoding)
        except UnicodeDecodeError as error:
            self._reject(
                row, "LND-008",
                f"{self.name}:{row}：第 {row} 行第 {error.start + 1} 个字节无法按"
                f" {self.plan.encoding.upper()} 解码。 Undecodable bytes.",
                line.decode(self.plan.encoding, "backslashreplace"),
            )  # fmt: skip
            return None

    def _reject(self, row: int, code: str, reason: str, text: str) -> None:
        self.bad.append(BadLine(row, code, reason, text.replace("\0", "")))
        if len(self.bad) > self.max_bad:
            raise LandingError(
                code,
                f"{self.name}：超过 {self.max_bad} 行无法读取，整个文件退回。 Too many bad lines.",
                hint="请重新导出 / export it again",
            )

    def _records(self, lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
        pending: list[tuple[int, str]] = []
        while True:
            if pending:
                row, text = pending.pop()
            else:
                following = next(lines, None)
                if following is None:
                    return
                row, text = following
            if '"' not in text or self._whole.fullmatch(text):
                yield row, text
                continue
            parts = [(row, text)]
            record = text
            while True:
                following = pending.pop() if pending else next(lines, None)
                if following is None or len(parts) >= _MAX_RECORD_LINES:
                    raise LandingError(
                        "LND-012",
                        f"{self.name}:{row}：第 {row} 行的双引号没有配对，以后的内容无法分行。"
                        f" The quote opened in line {row} is never closed.",
                        hint="请补上或删去该行的双引号 / close or remove the quote in that line",
                    )
                parts.append(following)
                record += "\n" + following[1]
                if '"' in following[1] and self._whole.fullmatch(record):
                    break
            if len(self._split(record)) == self.plan.width:
                yield row, record
            else:
                # A stray opening quote must not swallow sound rows: only its own line is bad.
                self._ragged(row, text, len(self._split(text)))
                pending += parts[:0:-1]

    def _split(self, record: str) -> list[str]:
        if '"' not in record:
            return record.split(self.plan.delimiter)
        reader = csv.reader(
            (line + "\n" for line in record.split("\n")), delimiter=self.plan.delimiter
        )
        try:
            cells = next(reader)
        except (csv.Error, StopIteration):
            return record.split(self.plan.delimiter)
        return cells

    def _ragged(self, row: int, text: str, count: int) -> None:
        self._reject(
            row, "LND-011",
            f"{self.name}:{row}：第 {row} 行有 {count} 列，应为 {self.plan.width} 列。"
            f" Line {row} has {count} columns instead of {self.plan.width}.",
            text,
        )  # fmt: skip

    def _accept(self, row: int, record: str) -> str | None:
        d = self.plan.delimiter
        plain = '"' not in record
        if not plain or "\r" in record:
            cells = self._split(record)
        elif record.count(d) == self.plan.width - 1:
            if _TRIGGERS.isdisjoint(record[:24]) and not self.totals.columns:
                return f"{row}{d}{record}\n"
            cells = record.split(d)
        else:
            cells = record.split(d)
        if not any(cell.strip() for cell in cells):
            return None
        kind = self.shape.total_kind(cells)
        if kind is not None:
            self.totals.total(row, kind, cells)
            return None
        if self.shape.is_footnote(cells):
            return None
        if len(cells) != self.plan.width:
            self._ragged(row, record, len(cells))
            return None
        self.totals.detail(cells)
        if ("\r" not in record and plain) or self._canonical.fullmatch(record):
            return f"{row}{d}{record}\n"
        quoted = ('"' + cell.replace('"', '""') + '"' if cell else "" for cell in cells)
        return f"{row}{d}{d.join(quoted)}\n"


def grid(content: bytes, name: str, encoding: str, delimiter: str) -> list[list[str | None]]:
    """Read a small irregular CSV whole; row index + 1 is the physical line of the record.

    Lines that continue a record begun above are empty rows. Raises LandingError LND-010, LND-012.
    """
    if b"\0" in content:
        raise nul_bytes(name, content.count(b"\n", 0, content.index(b"\0")) + 1)
    text = content.decode(encoding).lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    rows: list[list[str | None]] = []
    reader = csv.reader(
        (line + "\n" for line in text.split("\n")), delimiter=delimiter, strict=False
    )
    try:
        for cells in reader:
            rows.append([cell or None for cell in cells])
            rows.extend([] for _ in range(reader.line_num - len(rows)))
    except csv.Error as error:
        raise LandingError(
            "LND-012",
            f"{name}:{len(rows) + 1}：{error}",
            hint="请检查该行的双引号 / check the quotes of that line",
        ) from None
    return rows
