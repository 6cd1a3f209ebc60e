"""Landing: a delivery becomes one raw batch table, or a recorded refusal, in one transaction."""

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus
from psycopg.types.json import Jsonb

from eduplan import archive
from eduplan.contract import Contract
from eduplan.errors import LandingError, SourceError
from eduplan.extract import csv
from eduplan.extract.discover import Delivery, combined_hash
from eduplan.extract.file import WORKBOOK_MAGIC, sniff
from eduplan.extract.layout import SheetRows
from eduplan.extract.reading import FileRows
from eduplan.extract.shape import Header, Shape
from eduplan.extract.totals import Mismatch
from eduplan.extract.worker import Job, read_files
from eduplan.quality import drift
from eduplan.replace import PARTIAL

# nextval fills its cache one by one at once: a bigger cache costs more than it saves.
_SEQUENCE_CACHE = 20_000
_TAIL = 1 << 16
_KEEPERS = 4
# PostgreSQL calls no function with more than a hundred arguments.
_PAIRS = 50


@dataclass(frozen=True)
class LandResult:
    """What became of one delivery.

    ``outcome``: ``landed``; ``unchanged`` (these bytes are published already, a person rejected
    them, or they are workbooks without a sheet of this dataset); ``resumed`` (these bytes are
    landed, not yet published); ``failed`` (recorded with ``error_code``, nothing landed).
    ``rows`` are in the batch table, ``rejected_rows`` are lines left out and quarantined.
    """

    dataset: str
    period: str
    batch_id: int | None
    outcome: str
    rows: int
    rejected_rows: int
    files: int
    rejected_files: int
    error_code: str | None = None
    error: str | None = None


@dataclass
class _File:
    """One row of ops.batch_file in the making."""

    file_no: int
    path: str
    sheet: str = ""
    sha256: str = ""
    size: int = 0
    format: str = ""
    encoding: str | None = None
    reason: str | None = None
    rows: int = 0
    status: str = "landed"
    error_code: str | None = None
    error: str | None = None
    bad: list[csv.BadLine] = field(default_factory=list)
    missing: tuple[str, ...] = ()
    drift: list[tuple[str, str, str, str]] = field(default_factory=list)
    """(kind, column, rule id, detail)"""


class _RowAware(Exception):
    """The server cannot take these bytes as they are; read them row by row."""

    def __init__(self, *, encoding: bool = False) -> None:
        super().__init__()
        self.encoding = encoding


def land(
    conn: psycopg.Connection[Any], contract: Contract, delivery: Delivery, archive_dir: Path
) -> LandResult:
    """Land ``delivery`` in one transaction of ``conn`` (any open one is committed first).

    Bad input never raises: it is recorded as a ``failed`` batch, its bytes kept under
    ``archive_dir``, and the database is otherwise as it was. Raises SourceError when a file
    changed or vanished while it was read, and psycopg errors when the server fails.
    """
    if conn.info.transaction_status != TransactionStatus.IDLE:
        conn.commit()
    landing = _Landing(conn, contract, delivery, archive_dir)
    try:
        with conn.transaction():
            return _settle_pull(conn, contract, delivery, landing.run())
    except LandingError as error:
        with conn.transaction():
            return _settle_pull(conn, contract, delivery, landing.record_failure(error))
    except FileNotFoundError as error:
        raise SourceError(
            f"{contract.dataset} {delivery.period}: {error.filename} vanished while it was read",
            hint="run it again",
        ) from error


def known_files(conn: psycopg.Connection[Any], contract: Contract) -> dict[tuple[str, str], str]:
    """Return (period, path) -> SHA-256 of the files whose latest reading still stands.

    A file that was refused, rejected or not needed is read again once the contract has changed.
    """
    found = conn.execute(
        "select distinct on (b.period, f.path) b.period, f.path, min(f.sha256),"
        " bool_or(f.status = 'landed' and b.status <> 'rejected' or b.contract_hash = %s)"
        " from ops.batch_file f join ops.batch b using (batch_id)"
        " where b.dataset = %s and b.status <> 'failed' and b.replay_of is null"
        " group by b.period, f.path, b.batch_id order by b.period, f.path, b.batch_id desc",
        (contract.sha256, contract.dataset),
    ).fetchall()
    return {(period, path): digest for period, path, digest, stands in found if stands}


def unfinished(
    conn: psycopg.Connection[Any], contract: Contract, period: str | None
) -> list[LandResult]:
    """Return as ``resumed`` what a killed run left landed or audited, and nothing later replaces.

    Held batches of schools and keys are judged again too: what they wait for may have come in
    another delivery, and their files are not read again.
    """
    return [
        _result(contract.dataset, row, "resumed")
        for row in conn.execute(
            f"select {_COUNTS} from ops.batch b where dataset = %(dataset)s"  # noqa: S608
            " and (%(period)s::text is null or period = %(period)s)"
            " and (status in ('landed', 'audited') or status = 'held' and %(partial)s)"
            " and (%(partial)s or not exists (select from ops.batch l where l.dataset = b.dataset"
            "  and l.period = b.period and (coalesce(l.replay_of, l.batch_id), l.batch_id)"
            "   > (coalesce(b.replay_of, b.batch_id), b.batch_id) and l.status <> 'failed'"
            # A delivery that waits for a person does not stop a replay of the one before it.
            "  and (b.replay_of is null or l.status not in ('held', 'rejected'))))"
            " order by period, batch_id",
            {
                "dataset": contract.dataset,
                "period": period,
                "partial": contract.scope in PARTIAL,
            },
        ).fetchall()
    ]


_COUNTS = "batch_id, period, row_count, rejected_count, file_count, rejected_file_count, status"


def _result(dataset: str, row: Sequence[Any], outcome: str) -> LandResult:
    batch_id, period, *counts = row[:6]
    return LandResult(dataset, period, batch_id, outcome, *counts)


def _settle_pull(
    conn: psycopg.Connection[Any], contract: Contract, delivery: Delivery, result: LandResult
) -> LandResult:
    """Note on the reading that gave ``delivery`` what became of it; its bytes are archived now."""
    if delivery.pull_id is not None:
        status = {"failed": "failed", "unchanged": "unchanged"}.get(result.outcome, "landed")
        conn.execute(
            "update ops.pull set status = %s, batch_id = %s, error = %s,"
            " finished_at = clock_timestamp() where pull_id = %s",
            (status, result.batch_id, result.error, delivery.pull_id),
        )
        if result.batch_id is not None and result.outcome != "failed":
            drift.note_fields(conn, contract, result.batch_id, delivery.pull_id)
    return result


class _Landing:
    """State of one landing."""

    def __init__(
        self,
        conn: psycopg.Connection[Any],
        contract: Contract,
        delivery: Delivery,
        archive_dir: Path,
    ) -> None:
        self.cur = conn.cursor()
        self.conn = conn
        self.contract = contract
        self.delivery = delivery
        self.archive_dir = archive_dir
        self.shape = Shape.of(contract, delivery.period)
        self.files: list[_File] = []
        self.batch_id = 0
        self.table: sql.Identifier
        self.sequence: sql.Identifier
        self.extra_columns: dict[int, list[tuple[int, str]]] = {}
        self.extra_width = 0

    # -- the whole delivery ------------------------------------------------------------------

    def run(self) -> LandResult:
        """Land every file; raise LandingError when nothing of the delivery can be landed."""
        self._lock()
        alive = self._alive()
        if alive is not None:
            return alive
        if not self.contract.accepts_period(self.delivery.period):
            raise self._outside()
        archive.sweep(self.archive_dir)
        self._begin()
        kept: dict[str, str] = {}
        whole = []
        for path in self.delivery.files:
            if self._streams(path):
                self._one_file(path, kept)
            else:
                whole.append(path)
        self._whole_files(whole, kept)
        if combined_hash(kept) != self.delivery.content_hash:
            raise SourceError(
                f"{self.contract.dataset} {self.delivery.period}: a file changed while it was read",
                hint="run it again when the export has ended",
            )
        return self._finish()

    def _lock(self) -> None:
        self.cur.execute(
            "select pg_advisory_xact_lock(hashtextextended(%s, 0))",
            (f"eduplan.land:{self.contract.dataset}:{self.delivery.period}",),
        )

    def _alive(self) -> LandResult | None:
        """Return the batch that these bytes are already, unless another took its place in part."""
        row = self.cur.execute(
            f"select {_COUNTS} from ops.batch b"  # noqa: S608  names only
            " cross join lateral (select coalesce(bool_or(l.status <> 'failed'), false),"
            "  coalesce(bool_or(l.status in ('landed', 'audited', 'held')), false)"
            "  from ops.batch l where l.dataset = b.dataset and l.period = b.period"
            "  and l.batch_id > b.batch_id and l.replay_of is distinct from b.batch_id"
            " ) as later (found, pending)"
            " where dataset = %(dataset)s and period = %(period)s and content_hash = %(hash)s"
            " and (status in ('landed', 'audited', 'held') and not (%(partial)s and later.found)"
            # What a person rejected is not read again before its contract changes.
            "  or status = 'rejected' and contract_hash = %(contract)s"
            "  or status = 'published' and not (%(partial)s and (later.pending"
            # Some rows gave way since; or it deleted keys, which may be back.
            "   or exists (select from raw.superseded_row s where s.batch_id = b.batch_id"
            "    and (s.superseded_by <> b.batch_id or later.found)"
            "    and not exists (select from ops.batch r where r.batch_id = s.superseded_by"
            "     and r.replay_of = b.batch_id)))))"
            " order by batch_id desc limit 1",
            {
                "dataset": self.contract.dataset,
                "period": self.delivery.period,
                "hash": self.delivery.content_hash,
                "contract": self.contract.sha256,
                "partial": self.contract.scope in PARTIAL,
            },
        ).fetchone()
        if row is None:
            return None
        outcome = "unchanged" if row[-1] in ("published", "rejected") else "resumed"
        return _result(self.contract.dataset, row, outcome)

    def _outside(self) -> LandingError:
        first, last = self.contract.period_range
        return LandingError(
            "LND-020",
            f"{self.contract.dataset}：期间 {self.delivery.period} 不在约定范围 {first} 至 {last}"
            f" 之内。 Period {self.delivery.period} is outside the contract ({first} to {last}).",
            hint="请核对报送期间；需要扩大范围时修改数据契约的 period"
            " / check the period, or widen it in the contract",
        )

    def _begin(self) -> None:
        dataset = self.contract.dataset
        names = [column.name for column in self.contract.columns]
        parent = sql.Identifier("raw", dataset)
        self.cur.execute("select to_regclass(%s) is null", (f'raw."{dataset}"',))
        if self._scalar():
            self.cur.execute(
                "select pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"eduplan.raw:{dataset}",)
            )
            self.cur.execute(
                sql.SQL(
                    "create table if not exists {} ({}, _batch_id bigint not null, _file integer"
                    " not null, _row bigint not null) partition by list (_batch_id)"
                ).format(
                    parent,
                    sql.SQL(", ").join(
                        sql.SQL("{} text").format(sql.Identifier(name)) for name in names
                    ),
                )
            )
        self.cur.execute(
            "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0"
            " and not attisdropped",
            (f'raw."{dataset}"',),
        )
        present = {row[0] for row in self.cur.fetchall()}
        for name in names:
            if name not in present:
                self.cur.execute(
                    sql.SQL("alter table {} add column {} text").format(
                        parent, sql.Identifier(name)
                    )
                )
        self.cur.execute(
            "insert into ops.batch (dataset, period, status, content_hash, contract_version,"
            " contract_hash, scope) values (%s, %s, 'landed', %s, %s, %s, %s) returning batch_id",
            (
                dataset, self.delivery.period, self.delivery.content_hash, self.contract.version,
                self.contract.sha256, self.contract.scope,
            ),
        )  # fmt: skip
        self.batch_id = self._scalar()
        name = f"{dataset}__b{self.batch_id}"
        self.table = sql.Identifier("raw", name)
        self.sequence = sql.Identifier("raw", f"{name}_row")
        batch = sql.Literal(self.batch_id)
        self.cur.execute(
            sql.SQL("create table {} (like {} including defaults)").format(self.table, parent)
        )
        self.cur.execute(
            sql.SQL("create sequence {} cache {}").format(
                self.sequence, sql.Literal(_SEQUENCE_CACHE)
            )
        )
        self.cur.execute(
            sql.SQL(
                "alter table {} alter _batch_id set default {}, alter _row set default"
                " nextval({}), add constraint batch_id check (_batch_id = {})"
            ).format(self.table, batch, sql.Literal(self.sequence.as_string(self.cur)), batch)
        )

    def _scalar(self) -> Any:
        row = self.cur.fetchone()
        if row is None:
            raise RuntimeError("the server returned no row")
        return row[0]

    # -- one file ----------------------------------------------------------------------------

    def _one_file(self, path: Path, kept: dict[str, str]) -> None:
        """Keep the bytes of one file and land it, or note why it is rejected alone."""
        entry = self._entry(self.delivery.name(path))
        try:
            with self.conn.transaction():
                self._keep_and_land(path, entry)
                self._refuse_known(entry, kept, self._other_periods([entry.sha256]))
        except LandingError as error:
            self._reject(entry, error)
        kept.setdefault(entry.sha256, entry.path)

    def _entry(self, name: str, **about: Any) -> _File:
        entry = _File(len(self.files) + 1, name, **about)
        self.files.append(entry)
        return entry

    def _reject(self, entry: _File, error: LandingError) -> None:
        entry.status = "ignored" if error.code == "LND-019" else "rejected"
        entry.error_code = error.code
        entry.error = f"{error} {error.hint}".strip()
        entry.rows = 0
        entry.bad, entry.drift = [], []
        self.extra_columns.pop(entry.file_no, None)

    def _other_periods(self, digests: Sequence[str]) -> dict[str, str]:
        """Map the SHA-256 of files that were landed for another period to that period."""
        if self.contract.period_kind == "none":
            return {}
        self.cur.execute(
            "select f.sha256, b.period from ops.batch_file f join ops.batch b using (batch_id)"
            " where f.sha256 = any(%s) and b.dataset = %s and b.period <> %s"
            " and f.status = 'landed' and b.status not in ('failed', 'rejected')",
            (list(digests), self.contract.dataset, self.delivery.period),
        )
        return dict(self.cur.fetchall())

    def _refuse_known(self, entry: _File, kept: dict[str, str], others: dict[str, str]) -> None:
        """Raise LND-019 for the second of two equal files, LND-018 for another period's file."""
        twin = kept.get(entry.sha256)
        if twin is not None:
            raise LandingError(
                "LND-019",
                f"{entry.path}：与「{twin}」内容完全相同，只读取一次。"
                f" Same bytes as {twin}; read once.",
                hint="请删去重复的文件 / remove the duplicate",
            )
        period = others.get(entry.sha256)
        if period is not None:
            raise LandingError(
                "LND-018",
                f"{entry.path}：与 {period} 期间已报送的文件完全相同，不是 {self.delivery.period}"
                f" 的数据。 Same bytes as a file of {period}.",
                hint="请报送本期的文件 / send the file of this period",
            )

    # -- workbooks and small irregular files: read whole, many at a time -----------------------

    def _whole_files(self, paths: Sequence[Path], kept: dict[str, str]) -> None:
        """Keep all bytes first, read in worker processes, write one COPY."""
        if not paths:
            return
        with ThreadPoolExecutor(_KEEPERS) as threads:
            arrived = list(threads.map(self._keep_whole, paths))
        others = self._other_periods([bytes_.sha256 for bytes_, _ in arrived])
        readable: list[tuple[_File, Job]] = []
        for path, (bytes_, kind) in zip(paths, arrived, strict=True):
            entry = self._entry(
                self.delivery.name(path), sha256=bytes_.sha256, size=bytes_.size,
                format=path.suffix.lstrip(".").lower() or "unknown",
            )  # fmt: skip
            try:
                self._refuse_known(entry, kept, others)
                if isinstance(kind, LandingError):
                    raise kind
                readable.append((entry, (bytes_.path, entry.path, kind)))
            except LandingError as error:
                self._reject(entry, error)
            kept.setdefault(entry.sha256, entry.path)
        if not readable:
            return
        names = ["_file", "_row", *(f.name for f in self.shape.fields)]
        statement = sql.SQL("copy {} ({}) from stdin with (encoding 'UTF8')").format(
            self.table, sql.SQL(", ").join(map(sql.Identifier, names))
        )
        beside: list[tuple[int, SheetRows]] = []
        found = read_files([job for _, job in readable], self.shape)
        with contextlib.closing(found), self.cur.copy(statement) as copy:
            for (entry, _), result in zip(readable, found, strict=True):
                for part, sheet in self._sheets(entry, result):
                    mark = f"\n{part.file_no}\t".encode()
                    copy.write((b"\n" + sheet.blob).replace(b"\n@\t", mark)[1:])
                    if sheet.extras:
                        beside.append((part.file_no, sheet))
        self._write_extras(beside)

    def _keep_whole(self, path: Path) -> tuple[archive.Kept, str | LandingError]:
        bytes_ = archive.keep(path, self.archive_dir)
        try:
            with bytes_.path.open("rb") as handle:
                return bytes_, sniff(handle.read(archive.BLOCK), self.delivery.name(path))
        except LandingError as error:
            return bytes_, error

    def _sheets(self, entry: _File, result: FileRows) -> Iterator[tuple[_File, SheetRows]]:
        """Yield the sheets of one file that land, each with its own file entry."""
        entry.format = result.format
        entry.encoding, entry.reason = result.encoding, result.reason
        if result.error_code is not None:
            error = LandingError(result.error_code, result.error or "", hint=result.hint)
            self._reject(entry, error)
            return
        if not result.sheets:
            entry.status = "ignored"
            return
        if result.differs:
            self._other_encoding(entry)
        for order, sheet in enumerate(result.sheets):
            part = entry
            if order:
                part = self._entry(
                    entry.path, sha256=entry.sha256, size=entry.size, format=entry.format,
                    encoding=entry.encoding, reason=entry.reason,
                )  # fmt: skip
            part.sheet = sheet.sheet
            if sheet.error_code is not None:
                self._reject(
                    part, LandingError(sheet.error_code, sheet.error or "", hint=sheet.hint)
                )
                continue
            part.rows = sheet.rows
            for label in sheet.extra_labels:
                self._unknown_column(part, label)
            part.missing = sheet.missing
            self._reconciled(part, sheet.mismatches)
            yield part, sheet

    def _write_extras(self, beside: Sequence[tuple[int, SheetRows]]) -> None:
        if not beside:
            return
        with self.cur.copy(
            'copy raw.extra_value (batch_id, file_no, row_no, "values") from stdin'
        ) as copy:
            for file_no, sheet in beside:
                for row, values in sheet.extras:
                    copy.write_row((self.batch_id, file_no, row, Jsonb(values)))

    # -- CSV: streamed -------------------------------------------------------------------------

    def _keep_and_land(self, path: Path, entry: _File) -> None:
        error: LandingError | None = None
        rowwise: _RowAware | None = None
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(fd, "rb", buffering=0) as source, archive.Keeper(self.archive_dir) as keeper:
            head = _read(source, archive.BLOCK)
            keeper.write(head)
            complete = len(head) < archive.BLOCK
            kind, plan = "", None
            try:
                kind = sniff(head, entry.path)
                if kind == "csv":
                    plan = csv.make_plan(head, entry.path, self.shape, complete=complete)
                    self._copy_bytes(entry, plan, head, source, keeper)
            except LandingError as failure:
                error = failure
            except _RowAware as reason:
                rowwise = reason
            while block := source.read(archive.BLOCK):
                keeper.write(block)
            kept = keeper.finish()
        entry.sha256, entry.size = kept.sha256, kept.size
        entry.format = kind or Path(entry.path).suffix.lstrip(".").lower() or "unknown"
        if error is not None:
            raise error
        if plan is None:
            raise SourceError(f"{entry.path} changed while it was read", hint="run it again")
        if rowwise is not None:
            self._copy_rows(entry, plan, kept.path, rowwise)
        if entry.rows == 0 and not entry.bad:
            raise csv.only_header(entry.path)

    def _streams(self, path: Path) -> bool:
        """Tell whether the file is a plain CSV table, which is never read whole."""
        if self.shape.layout == "records":
            return True
        if self.shape.layout != "table" or int(self.shape.option("header_rows", 1)) != 1:
            return False
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as handle:
            return not handle.read(8).startswith(WORKBOOK_MAGIC)

    def _columns(self, entry: _File, header: Header) -> sql.Composable:
        """Name the target of each file column; unknown ones go to columns of their own for now."""
        names: list[sql.Composable] = []
        extras: list[tuple[int, str]] = []
        entry.missing = header.absent(self.shape)
        for index, known in enumerate(header.fields):
            if known is not None:
                names.append(sql.Identifier(known.name))
                continue
            extras.append((len(extras), header.labels[index] or f"第{index + 1}列"))
            names.append(sql.Identifier(f"_x{len(extras) - 1}"))
        # A first reading that was rolled back took its columns with it: never trust the count.
        for number in range(len(extras)):
            self.cur.execute(
                sql.SQL("alter table {} add column if not exists {} text").format(
                    self.table, sql.Identifier(f"_x{number}")
                )
            )
        self.extra_width = max(self.extra_width, len(extras))
        if extras:
            self.extra_columns[entry.file_no] = extras
        return sql.SQL(", ").join(names)

    def _provenance(self, entry: _File, first_row: int) -> None:
        self.cur.execute(
            sql.SQL("alter table {} alter _file set default {}").format(
                self.table, sql.Literal(entry.file_no)
            )
        )
        self.cur.execute(
            sql.SQL("alter sequence {} restart with {}").format(
                self.sequence, sql.Literal(first_row)
            )
        )

    def _copy_bytes(
        self,
        entry: _File,
        plan: csv.Plan,
        head: bytes,
        source: Any,
        keeper: archive.Keeper,
    ) -> None:
        """Let the bytes through to the server as they are; raise _RowAware when that is wrong."""
        if plan.newline != b"\n":
            raise _RowAware
        # We wrote the records of an API or a database ourselves: nothing in them is a stray quote,
        # a total or a note, and a record may have several lines.
        ours = self.shape.layout == "records"
        block = head[plan.data_offset :]
        lines, tail, ascii_only = 0, b"", head.isascii()
        try:
            with self.conn.transaction():
                columns = self._columns(entry, plan.header)
                self._provenance(entry, plan.first_row)
                statement = sql.SQL(
                    "copy {} ({}) from stdin with (format csv, encoding {}, delimiter {})"
                ).format(
                    self.table, columns, sql.Literal(csv.SERVER_NAME[plan.encoding]),
                    sql.Literal(plan.delimiter),
                )  # fmt: skip
                quote_before = b""
                with self.cur.copy(statement) as copy:
                    while block:
                        lines += block.count(b"\n")
                        if (
                            not ours
                            and b'"' in block
                            and csv.STRAY_QUOTE.search(quote_before + block)
                        ):
                            raise _RowAware
                        ascii_only = ascii_only and block.isascii()
                        copy.write(block)
                        quote_before = block[-2:]
                        tail = (tail + block)[-_TAIL:] if len(block) < _TAIL else block[-_TAIL:]
                        block = source.read(archive.BLOCK)
                        keeper.write(block)
                rows = self.cur.rowcount
                if not ours and rows != lines + (not tail.endswith(b"\n") and bool(tail)):
                    raise _RowAware
                if not ours and csv.has_foot(tail, plan, self.shape):
                    raise _RowAware
        except psycopg.DataError as refusal:
            if b"\0" in block:
                raise _RowAware from None
            raise _RowAware(
                encoding=isinstance(
                    refusal,
                    psycopg.errors.CharacterNotInRepertoire
                    | psycopg.errors.UntranslatableCharacter,
                )
            ) from None
        entry.rows = rows
        self._encoded(entry, plan, ascii_only)

    def _encoded(self, entry: _File, plan: csv.Plan, ascii_only: bool) -> None:
        entry.encoding, entry.reason = plan.encoding, plan.reason
        if plan.differs and not ascii_only:
            self._other_encoding(entry)

    def _other_encoding(self, entry: _File) -> None:
        entry.drift.append(
            (
                "encoding", "", "LND-007",
                f"{entry.path}：实际编码为 {entry.encoding}（{entry.reason}），契约声明为"
                f" {self.shape.encoding}，已按实际编码读取。 Decoded as {entry.encoding}.",
            )
        )  # fmt: skip

    def _unknown_column(self, entry: _File, label: str) -> None:
        entry.drift.append(
            (
                "new_column", label, "LND-006",
                f"{entry.path}：出现契约以外的列「{label}」，其值另存于 raw.extra_value。"
                " Unknown column, landed beside.",
            )
        )  # fmt: skip

    def _missing_columns(self, entry: _File) -> None:
        labels = {f.name: f.label for f in self.shape.fields}
        for name in entry.missing:
            entry.drift.append(
                (
                    "missing_column", name, "DRF-001",
                    f"{entry.path}：没有「{labels[name]}」列，按空白读入。"
                    " Optional column missing, landed blank.",
                )
            )  # fmt: skip

    def _copy_rows(self, entry: _File, plan: csv.Plan, path: Path, refusal: _RowAware) -> None:
        """Land row by row what can be landed; bad lines are named and kept in quarantine."""
        with path.open("rb") as source:
            head = _read(source, archive.BLOCK)
            complete = len(head) < archive.BLOCK
            if refusal.encoding or not csv.decodes(head[: head.rfind(b"\n") + 1], plan.encoding):
                forced = csv.best_encoding(source, entry.path, self.shape, head)
                plan = csv.make_plan(head, entry.path, self.shape, complete=complete, forced=forced)
            reader = csv.RowReader(source, entry.path, plan, self.shape)
            columns = self._columns(entry, plan.header)
            self._provenance(entry, plan.first_row)
            statement = sql.SQL(
                "copy {} (_row, {}) from stdin with (format csv, encoding 'UTF8', delimiter {})"
            ).format(self.table, columns, sql.Literal(plan.delimiter))
            with self.cur.copy(statement) as copy:
                for block in reader:
                    copy.write(block)
        entry.rows = reader.rows
        entry.bad = reader.bad
        self._encoded(entry, plan, head.isascii())
        self._reconciled(entry, reader.totals.mismatches())

    def _reconciled(self, entry: _File, mismatches: Iterable[Mismatch]) -> None:
        for miss in mismatches:
            where = f"{entry.path}{'!' + entry.sheet if entry.sheet else ''}:{miss.row}"
            entry.drift.append(
                (
                    "total", miss.column, "LND-022",
                        f"{where}：{miss.kind}行「{miss.column}」为 {miss.stated}，"
                    f"明细之和为 {miss.summed}。 Total does not match its detail.",
                )
            )  # fmt: skip

    # -- the end -----------------------------------------------------------------------------

    def _finish(self) -> LandResult:
        landed = [entry for entry in self.files if entry.status == "landed"]
        rejected = [entry for entry in self.files if entry.status == "rejected"]
        if not landed:
            if not rejected and self._stands_beside():
                return self._not_concerned()
            raise self._nothing_left()
        self._move_extras()
        for entry in landed:
            self._missing_columns(entry)
        self.cur.execute(
            sql.SQL(
                "alter table {} alter _batch_id drop default, alter _file drop default,"
                " alter _row drop default"
            ).format(self.table)
        )
        self.cur.execute(sql.SQL("drop sequence {}").format(self.sequence))
        rows = sum(entry.rows for entry in landed)
        bad = sum(len(entry.bad) for entry in landed)
        self._write_files(self.batch_id)
        self._quarantine(landed)
        self.cur.execute(
            "update ops.batch set row_count = %s, rejected_count = %s, file_count = %s,"
            " rejected_file_count = %s where batch_id = %s",
            (rows, bad, len(self.delivery.files), len({e.path for e in rejected}), self.batch_id),
        )
        return LandResult(
            self.contract.dataset, self.delivery.period, self.batch_id, "landed", rows, bad,
            len(self.delivery.files), len({entry.path for entry in rejected}),
        )  # fmt: skip

    def _stands_beside(self) -> bool:
        """Whether these are some files of many, of which others were landed before."""
        if self.contract.scope not in PARTIAL:
            return False
        self.cur.execute(
            "select exists (select from ops.batch where dataset = %s and period = %s"
            " and batch_id <> %s and status <> 'failed')",
            (self.contract.dataset, self.delivery.period, self.batch_id),
        )
        return bool(self._scalar())

    def _not_concerned(self) -> LandResult:
        """Note files without a sheet of this dataset, so that they are not read every time."""
        self.cur.execute(sql.SQL("drop table {}").format(self.table))
        self.cur.execute(sql.SQL("drop sequence {}").format(self.sequence))
        self._write_files(self.batch_id)
        self.cur.execute(
            "update ops.batch set status = 'superseded', superseded_at = clock_timestamp(),"
            " file_count = %s where batch_id = %s",
            (len(self.delivery.files), self.batch_id),
        )
        return LandResult(
            self.contract.dataset, self.delivery.period, self.batch_id, "unchanged", 0, 0,
            len(self.delivery.files), 0,
        )  # fmt: skip

    def _nothing_left(self) -> LandingError:
        first = next((e for e in self.files if e.error_code), None)
        if first is None or first.error_code is None:
            return LandingError(
                "LND-017",
                f"{self.contract.dataset} {self.delivery.period}：{len(self.files)} 个工作簿中"
                "都没有本表的工作表。 No workbook has a sheet of this form.",
                hint="请确认报送的是本表 / send the right form",
            )
        return LandingError(first.error_code, first.error or "")

    def _move_extras(self) -> None:
        for file_no, extras in self.extra_columns.items():
            if self.files[file_no - 1].status != "landed":
                continue
            pairs = [
                sql.SQL("{}, {}").format(sql.Literal(label), sql.Identifier(f"_x{number}"))
                for number, label in extras
            ]
            values = sql.SQL(" || ").join(
                sql.SQL("jsonb_build_object({})").format(
                    sql.SQL(", ").join(pairs[start : start + _PAIRS])
                )
                for start in range(0, len(pairs), _PAIRS)
            )
            self.cur.execute(
                sql.SQL(
                    'insert into raw.extra_value (batch_id, file_no, row_no, "values")'
                    " select {}, _file, _row, v from (select _file, _row, jsonb_strip_nulls("
                    "{}) as v from {} where _file = {}) t where v <> '{{}}'"
                ).format(sql.Literal(self.batch_id), values, self.table, sql.Literal(file_no))
            )
            entry = self.files[file_no - 1]
            for _, label in extras:
                self._unknown_column(entry, label)
        for number in range(self.extra_width):
            self.cur.execute(
                sql.SQL("alter table {} drop column if exists {}").format(
                    self.table, sql.Identifier(f"_x{number}")
                )
            )

    def _write_files(self, batch_id: int) -> None:
        times = self.delivery.times()
        with self.cur.copy(
            "copy ops.batch_file (batch_id, file_no, path, sheet, sha256, size_bytes, format,"
            " encoding, encoding_reason, row_count, status, error_code, error, modified_at)"
            " from stdin"
        ) as copy:
            for e in self.files:
                copy.write_row(
                    (
                        batch_id, e.file_no, e.path, e.sheet, e.sha256, e.size, e.format,
                        e.encoding, e.reason, e.rows, e.status, e.error_code, e.error,
                        times.get(e.path),
                    )
                )  # fmt: skip
        self.cur.executemany(
            "insert into ops.drift_event (batch_id, file_no, dataset, kind, column_name, rule_id,"
            " detail) values (%s, %s, %s, %s, %s, %s, %s)",
            [
                (batch_id, entry.file_no, self.contract.dataset, *event[:2], *event[2:])
                for entry in self.files
                for event in entry.drift
            ],
        )

    def _quarantine(self, landed: Sequence[_File]) -> None:
        if not any(entry.bad for entry in landed):
            return
        with self.cur.copy(
            "copy quality.quarantined_row (batch_id, dataset, period, file_no, row_no, payload,"
            " rules, reasons) from stdin"
        ) as copy:
            copy.set_types(["int8", "text", "text", "int4", "int8", "jsonb", "text[]", "text[]"])
            for entry in landed:
                for line in entry.bad:
                    copy.write_row(
                        (
                            self.batch_id, self.contract.dataset, self.delivery.period,
                            entry.file_no, line.row, Jsonb({"_line": line.text}), [line.code],
                            [line.reason],
                        )
                    )  # fmt: skip

    def record_failure(self, error: LandingError) -> LandResult:
        """Record the refusal of the whole delivery, once for the same bytes and fault."""
        self._lock()
        listed = {entry.path for entry in self.files}
        for path in self.delivery.files:
            # A delivery refused before its files were read is kept and listed all the same.
            if self.delivery.name(path) not in listed:
                kept = archive.keep(path, self.archive_dir)
                self._entry(
                    self.delivery.name(path), sha256=kept.sha256, size=kept.size,
                    format=path.suffix.lstrip(".").lower() or "unknown",
                )  # fmt: skip
        for entry in self.files:
            if entry.error_code is None:
                entry.status, entry.error_code, entry.error = "rejected", error.code, str(error)
            entry.rows, entry.drift = 0, []
        rejected = len({entry.path for entry in self.files})
        message = f"{error} {error.hint}".strip()
        self.cur.execute(
            "select batch_id from ops.batch where dataset = %s and period = %s and content_hash"
            " = %s and contract_hash = %s and status = 'failed' and error_code = %s limit 1",
            (
                self.contract.dataset, self.delivery.period, self.delivery.content_hash,
                self.contract.sha256, error.code,
            ),
        )  # fmt: skip
        row = self.cur.fetchone()
        if row is not None:
            batch_id = row[0]
        else:
            self.cur.execute(
                "insert into ops.batch (dataset, period, status, content_hash, contract_version,"
                " contract_hash, file_count, rejected_file_count, error_code, error, scope)"
                " values (%s, %s, 'failed', %s, %s, %s, %s, %s, %s, %s, %s) returning batch_id",
                (
                    self.contract.dataset, self.delivery.period, self.delivery.content_hash,
                    self.contract.version, self.contract.sha256, len(self.delivery.files),
                    rejected, error.code, message, self.contract.scope,
                ),
            )  # fmt: skip
            batch_id = self._scalar()
            self._write_files(batch_id)
        return LandResult(
            self.contract.dataset, self.delivery.period, batch_id, "failed", 0, 0,
            len(self.delivery.files), rejected, error.code, message,
        )  # fmt: skip


def _read(source: Any, size: int) -> bytes:
    """Read ``size`` bytes or up to the end: one raw read may return less."""
    parts = []
    while size > 0 and (part := source.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
