"""Quarantined rows as an Excel workbook, and the corrected workbook read back.

One sheet, named like the dataset: a record a row, its own columns first (number, check code, where
it stands and why), then the contract's columns under their Chinese headers. What comes back is
anybody's file: every record must still be as it was written out, or nothing of it is applied.
"""

import hashlib
import json
import os
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from eduplan.contract import Contract
from eduplan.errors import EduplanError
from eduplan.quality.masking import mask, masked_columns
from eduplan.quality.quarantine import LINE, edit

MAX_ROWS = 20_000
_MAX_BYTES = 200 << 20
_MAX_CELL = 32_000
_OWN = ("编号", "校验码", "文件", "工作表", "行", "规则", "原因", "原始行")
_SHOWN = 10
# XML cannot carry them; a line break comes back as LF.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")

_RECORDS = """
select q.quarantine_id, q.status, q.batch_id, q.payload, q.edited, q.rules, q.reasons, q.row_no,
    f.path, f.sheet
from quality.quarantined_row q
left join ops.batch_file f using (batch_id, file_no)
where q.dataset = %(dataset)s
"""
_CHOSEN = """
    and q.status = 'open'
    and (%(period)s::text is null or q.period = %(period)s)
    and (%(rule)s::text is null or %(rule)s = any(q.rules))
    and (%(ids)s::bigint[] is null or q.quarantine_id = any(%(ids)s))
order by q.batch_id, q.file_no, q.row_no
limit %(limit)s
"""


@dataclass(frozen=True)
class Imported:
    """What a workbook changed: ids of the records corrected, and how many rows were as before."""

    dataset: str
    edited: tuple[int, ...]
    unchanged: int


def write(
    conn: psycopg.Connection[Any],
    contract: Contract,
    path: Path,
    *,
    secure: bool,
    period: str | None = None,
    rule: str | None = None,
    ids: Sequence[int] | None = None,
) -> int:
    """Write the open records of ``contract``'s dataset to ``path`` (readable by its owner alone).

    Personal data is masked unless ``secure``. Returns the number of records; EduplanError above
    20,000 of them.
    """
    values = {
        "dataset": contract.dataset, "period": period, "rule": rule,
        "ids": list(ids) if ids is not None else None, "limit": MAX_ROWS + 1,
    }  # fmt: skip
    with conn.cursor(row_factory=dict_row) as cur:
        records = cur.execute(_RECORDS + _CHOSEN, values).fetchall()
    if len(records) > MAX_ROWS:
        raise EduplanError(
            f"{contract.dataset} has more than {MAX_ROWS:,} open rows: too many for one workbook",
            hint="choose by --period or --rule",
        )
    hidden = frozenset() if secure else masked_columns(contract)
    names = [column.name for column in contract.columns]
    with private_workbook(path) as book:
        sheet = book.add_worksheet(contract.dataset[:31])
        head = book.add_format({"bold": True, "bg_color": "#E8EEF4"})
        sheet.freeze_panes(1, 2)
        sheet.set_column(0, 1, 10)
        sheet.set_column(2, len(_OWN) + len(names) - 1, 18)
        for at, text in enumerate(_headers(contract)):
            sheet.write_string(0, at, text, head)
        for line, record in enumerate(records, start=1):
            now = _now(record)
            own = (
                str(record["quarantine_id"]), _etag(record), record["path"], record["sheet"],
                str(record["row_no"]), " ".join(record["rules"]), " ".join(record["reasons"]),
                _shown(now.get(LINE), LINE in hidden),
            )  # fmt: skip
            cells = [*own, *(_shown(now.get(name), name in hidden) for name in names)]
            for at, text in enumerate(cells):
                if text:
                    sheet.write_string(line, at, clean(text))
    return len(records)


@contextmanager
def private_workbook(path: Path, *, is_small: bool = False) -> Iterator[Any]:
    """Write a workbook that its owner alone may read; it is at ``path`` whole or not at all.

    Yields an ``xlsxwriter.Workbook`` that keeps one row of a sheet in memory: write cells row by
    row. One of few rows ``is_small``: all of it in memory is several times as fast.
    """
    import xlsxwriter

    temporary = path.with_name(f".{path.name}.part")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "w+b") as out:
        book = xlsxwriter.Workbook(out, {"constant_memory": True, "in_memory": is_small})
        yield book
        book.close()
    temporary.replace(path)


def apply(
    conn: psycopg.Connection[Any],
    contracts: Mapping[str, Contract],
    path: Path,
    actor: str,
    why: str,
) -> Imported:
    """Apply the corrections in the workbook at ``path``; all of them or none. Does not commit.

    A cell that shows what was written out, masked or not, is left as it is; an emptied one becomes
    empty. Raises EduplanError that names the cells when anything is not as it should be.
    """
    contract, rows = _read(path, contracts)
    names = [column.name for column in contract.columns]
    conn.execute(
        "select pg_advisory_xact_lock(hashtextextended(%s, 0))",
        (f"eduplan.publish.{contract.dataset}",),
    )
    with conn.cursor(row_factory=dict_row) as cur:
        found = {
            record["quarantine_id"]: record
            for record in cur.execute(
                _RECORDS + " and q.quarantine_id = any(%(ids)s)",
                {"dataset": contract.dataset, "ids": [row.number for row in rows]},
            ).fetchall()
        }
    mistakes, changes = [], []
    seen: set[int] = set()
    for row in rows:
        record = found.get(row.number)
        if record is None:
            mistakes.append(f"A{row.line}：{contract.dataset} 没有编号为 {row.number} 的隔离记录")
        elif row.number in seen:
            mistakes.append(f"A{row.line}：编号 {row.number} 出现两次")
        elif record["status"] != "open":
            mistakes.append(f"A{row.line}：编号 {row.number} 已处理（{record['status']}）")
        elif row.etag != _etag(record):
            mistakes.append(f"B{row.line}：编号 {row.number} 在导出之后已有变动，请重新导出")
        else:
            now = _now(record)
            values = {
                name: text or None
                for name, text in zip(names, row.cells, strict=True)
                if not _same(text, now.get(name))
            }
            if values:
                changes.append((row.number, values))
        seen.add(row.number)
    _refuse(path, mistakes)
    for number, values in changes:
        edit(conn, contract, number, values, actor, why)
    return Imported(contract.dataset, tuple(n for n, _ in changes), len(rows) - len(changes))


@dataclass(frozen=True)
class _Row:
    line: int
    number: int
    etag: str
    cells: tuple[str, ...]


def _read(path: Path, contracts: Mapping[str, Contract]) -> tuple[Contract, list[_Row]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with zipfile.ZipFile(path) as archive:
            if sum(item.file_size for item in archive.infolist()) > _MAX_BYTES:
                raise EduplanError(f"{path.name} is too large", hint="export fewer rows at once")
        book = CalamineWorkbook.from_path(str(path))
        if len(book.sheet_names) != 1 or book.sheet_names[0] not in {d[:31] for d in contracts}:
            raise EduplanError(
                f"{path.name}：应只有一张以数据集命名的表；现有 {'、'.join(book.sheet_names[:3])}",
                hint="import a workbook made by `eduplan quarantine export`",
            )
        name = book.sheet_names[0]
        grid = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except (zipfile.BadZipFile, CalamineError, OSError, ValueError) as error:
        raise EduplanError(
            f"{path.name} is no readable .xlsx workbook ({type(error).__name__})",
            hint="import a workbook made by `eduplan quarantine export`",
        ) from None
    contract = next(c for d, c in contracts.items() if d[:31] == name)
    headers = _headers(contract)
    first = [_text(cell) for cell in grid[0]] if grid else []
    if first != headers:
        at = next(
            (i for i, h in enumerate(headers) if i >= len(first) or first[i] != h), len(headers)
        )
        wanted = headers[at] if at < len(headers) else "（空）"
        raise EduplanError(
            f"{path.name} {_cell(at, 1)}：表头应为「{wanted}」",
            hint="leave the header and the order of the columns as they were exported",
        )
    if len(grid) - 1 > MAX_ROWS:
        raise EduplanError(f"{path.name} has more than {MAX_ROWS:,} rows")
    rows, mistakes = [], []
    for line, cells in enumerate(grid[1:], start=2):
        texts = []
        for at, cell in enumerate(cells):
            try:
                texts.append(_text(cell))
            except ValueError as error:
                mistakes.append(f"{_cell(at, line)}：{error}")
                texts.append("")
        if not any(texts):
            continue
        if not re.fullmatch(r"[0-9]{1,18}", texts[0]):
            mistakes.append(f"A{line}：编号不是数字")
            continue
        rows.append(_Row(line, int(texts[0]), texts[1], tuple(texts[len(_OWN) :])))
    _refuse(path, mistakes)
    return contract, rows


def _refuse(path: Path, mistakes: Sequence[str]) -> None:
    if mistakes:
        more = f"；另有 {len(mistakes) - _SHOWN} 处" if len(mistakes) > _SHOWN else ""
        raise EduplanError(
            f"{path.name}：{'；'.join(mistakes[:_SHOWN])}{more}",
            hint="nothing was applied; mend the cells named, or export again",
        )


def _headers(contract: Contract) -> list[str]:
    return [*_OWN, *(f"{column.label}（{column.name}）" for column in contract.columns)]


def _now(record: Mapping[str, Any]) -> dict[str, str | None]:
    return dict(record["payload"]) | (record["edited"] or {})


def _etag(record: Mapping[str, Any]) -> str:
    state = [record["quarantine_id"], record["status"], record["batch_id"], _now(record)]
    text = json.dumps(state, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _shown(value: str | None, masked: bool) -> str:
    return (mask(value) if masked else value) or ""


def clean(text: str) -> str:
    """Return ``text`` as a cell can hold it."""
    return _CONTROL.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))[:_MAX_CELL]


def _same(text: str, value: str | None) -> bool:
    return text in (clean(value or ""), clean(mask(value) or ""))


def _text(cell: object) -> str:
    """Return a cell as text; ValueError (without the value) where Excel has lost digits."""
    from eduplan.extract.excel import cell_text

    if isinstance(cell, float | int) and abs(cell) >= 1e15:
        raise ValueError("长数字在 Excel 中会丢失末位，请先把单元格设为文本再填写")
    return clean(cell_text(cell) or "")


def _cell(at: int, line: int) -> str:
    letters, at = "", at + 1
    while at:
        at, rest = divmod(at - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{line}"
