"""Replay: rows that stand and rows in quarantine are judged again, without sending a file again.

A replay is a batch: the published rows of a delivery and its open quarantined rows with their
corrections, under the same file and row numbers. It is audited and published like any other. Of a
delivery of schools or keys only the schools or keys concerned are judged again.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from eduplan.contract import Contract
from eduplan.errors import EduplanError
from eduplan.extract.shape import Shape, clean_label
from eduplan.land import LandResult
from eduplan.quality.quarantine import LINE, outdate_replay
from eduplan.replace import PARTIAL, PROVENANCE, scope_of

_ASKED = """
select q.quarantine_id, q.dataset, q.status, q.payload ? %s and q.edited is null as is_line,
    coalesce(b.replay_of, b.batch_id) as origin, b.period, b.status as batch_status
from quality.quarantined_row q join ops.batch b using (batch_id)
where q.quarantine_id = any(%s) order by q.quarantine_id
"""

# Records of the delivery whose rows do not stand and may be judged: open, or released just now.
_CANDIDATES = """
quality.quarantined_row q
where q.batch_id in (select batch_id from ops.batch where coalesce(replay_of, batch_id) = {origin})
    and q.status in ('open', 'released')
    and (not q.payload ? {line} or q.edited is not null) and {concerned}
"""


def replay(
    conn: psycopg.Connection[Any],
    contract: Contract,
    period: str | None = None,
    ids: Sequence[int] | None = None,
    actor: str = "eduplan",
    why: str = "",
) -> list[LandResult]:
    """Land replay batches; one transaction a delivery (one open in ``conn`` is committed first).

    ``ids``: of the deliveries that these quarantined rows came with, and there of what concerns
    them; None: of everything published of the dataset (and ``period``), after a rule or the
    contract was changed. A replay landed before and not published yet is returned as ``resumed``.
    Raises EduplanError when a row of ``ids`` cannot be replayed.
    """
    if not why.strip():
        raise EduplanError("a replay needs a reason", hint="give --why")
    if conn.info.transaction_status != TransactionStatus.IDLE:
        conn.commit()
    wanted = (
        _everything(conn, contract, period)
        if ids is None
        else _asked(conn, contract, period, sorted(set(ids)))
    )
    conn.rollback()
    results = []
    for (of_period, origin), rows in sorted(wanted.items()):
        with conn.transaction():
            made = _Replay(conn, contract, origin, of_period, rows, actor, why).run()
        if made is not None:
            results.append(made)
    return results


_Wanted = dict[tuple[str, int], list[int] | None]


def _everything(conn: psycopg.Connection[Any], contract: Contract, period: str | None) -> _Wanted:
    found = conn.execute(
        "select distinct period, coalesce(replay_of, batch_id) from ops.batch"
        " where dataset = %s and status = 'published' and (%s::text is null or period = %s)",
        (contract.dataset, period, period),
    ).fetchall()
    return {(of_period, origin): None for of_period, origin in found}


def _asked(
    conn: psycopg.Connection[Any], contract: Contract, period: str | None, ids: list[int]
) -> _Wanted:
    wanted: dict[tuple[str, int], list[int]] = {}
    seen = set()
    for number, dataset, status, is_line, origin, of_period, _ in conn.execute(
        _ASKED, (LINE, ids)
    ).fetchall():
        if dataset != contract.dataset or period not in (None, of_period):
            continue
        seen.add(number)
        if status not in ("open", "released"):
            raise EduplanError(
                f"row {number} is {status} and is not judged again",
                hint="`eduplan quarantine reopen` takes a decision back",
            )
        if is_line:
            raise EduplanError(
                f"row {number} is a line that could not be split into columns",
                hint=f"give it its columns first: `eduplan quarantine edit {number} column=value`",
            )
        wanted.setdefault((of_period, origin), []).append(number)
    if len(seen) < len(ids):
        missing = ", ".join(str(i) for i in ids if i not in seen)
        raise EduplanError(
            f"{contract.dataset}{' ' + period if period else ''} has no quarantined row {missing}",
            hint="see `eduplan quarantine list`",
        )
    for origin in {origin for _, origin in wanted}:
        states = conn.execute(
            "select status from ops.batch where coalesce(replay_of, batch_id) = %s"
            " order by status = 'published' desc, batch_id desc limit 1",
            (origin,),
        ).fetchone()
        if states is None or states[0] != "published":
            raise EduplanError(
                f"batch {origin} of {contract.dataset} is {states[0] if states else 'unknown'}:"
                " only rows of published batches are replayed",
                hint="decide on a held batch first (`eduplan review list`)",
            )
    return dict(wanted)


class _Replay:
    """State of landing one replay."""

    def __init__(
        self,
        conn: psycopg.Connection[Any],
        contract: Contract,
        origin: int,
        period: str,
        ids: list[int] | None,
        actor: str,
        why: str,
    ) -> None:
        self.cur = psycopg.Cursor(conn)
        self.conn = conn
        self.contract = contract
        self.origin = origin
        self.period = period
        self.ids = ids
        self.actor = actor
        self.why = why
        self.parent = sql.Identifier("raw", contract.dataset)
        # Rules that look across schools or keys need all of the delivery before them.
        self.by_scope = (
            contract.scope in PARTIAL
            and ids is not None
            and all(
                set(contract.scope_columns) <= set(rule.unique_columns)
                for rule in contract.rules
                if rule.unique_columns
            )
        )

    def run(self) -> LandResult | None:
        """Land the replay, or find the one that waits; None when nothing is left to judge."""
        dataset = self.contract.dataset
        for name in (f"eduplan.land:{dataset}:{self.period}", f"eduplan.publish.{dataset}"):
            self.cur.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (name,))
        if self.by_scope:
            self.cur.execute(
                sql.SQL(
                    "create temporary table replay_scope on commit drop as select distinct {}"
                    " as scope from quality.quarantined_row q where quarantine_id in ({})"
                ).format(
                    scope_of(self.contract, "q", payload=True),
                    sql.SQL(", ").join(map(sql.Literal, self.ids or [])),
                )
            )
        pending = self.cur.execute(
            "select batch_id, contract_hash, row_count, rejected_count, file_count,"
            " rejected_file_count from ops.batch"
            " where replay_of = %s and status in ('landed', 'audited', 'held')",
            (self.origin,),
        ).fetchone()
        if pending is not None:
            if pending[1] == self.contract.sha256 and self._covers(pending[0], pending[2]):
                return LandResult(dataset, self.period, pending[0], "resumed", *pending[2:])
            if self.by_scope:
                self.cur.execute(
                    sql.SQL("insert into replay_scope select distinct {} from {} r").format(
                        scope_of(self.contract, "r"), self._table(pending[0])
                    )
                )
            outdate_replay(self.conn, self.origin)
        if not self._count():
            return None
        return self._land()

    def _table(self, batch_id: int) -> sql.Identifier:
        return sql.Identifier("raw", f"{self.contract.dataset}__b{batch_id}")

    def _names(self) -> dict[str, sql.Composable]:
        concerned: sql.Composable = sql.SQL("true")
        stands = concerned
        if self.by_scope:
            text = sql.SQL("{} in (select scope from replay_scope)")
            concerned = text.format(scope_of(self.contract, "q", payload=True))
            stands = text.format(scope_of(self.contract, "r"))
        origin = sql.Literal(self.origin)
        return {
            "parent": self.parent,
            "origin": origin,
            # A row that a person reopened still stands: its record speaks for it.
            "standing": sql.SQL(
                "{parent} r where r._batch_id in (select batch_id from ops.batch where status ="
                " 'published' and coalesce(replay_of, batch_id) = {origin}) and {stands}"
                " and not exists (select from quality.quarantined_row k join ops.batch b"
                " using (batch_id) where coalesce(b.replay_of, b.batch_id) = {origin}"
                " and k.status <> 'fixed' and k.file_no = r._file and k.row_no = r._row)"
            ).format(parent=self.parent, origin=origin, stands=stands),
            "candidates": sql.SQL(_CANDIDATES).format(
                origin=origin, line=sql.Literal(LINE), concerned=concerned
            ),
        }

    def _rows(self) -> sql.Composed:
        """(file, row) of all that is to be judged."""
        return sql.SQL(
            "select r._file, r._row from {standing} union"
            " select q.file_no, q.row_no from {candidates}"
        ).format(**self._names())

    def _count(self) -> int:
        self.cur.execute(sql.SQL("select count(*) from ({}) as n").format(self._rows()))
        return int(self._scalar())

    def _covers(self, batch_id: int, rows: int) -> bool:
        self.cur.execute(
            sql.SQL("select not exists ({} except select _file, _row from {})").format(
                self._rows(), self._table(batch_id)
            )
        )
        return bool(self._scalar())

    def _scalar(self) -> Any:
        row = self.cur.fetchone()
        if row is None:
            raise RuntimeError("the server returned no row")
        return row[0]

    def _land(self) -> LandResult:
        columns = self._columns()
        self.cur.execute(
            "insert into ops.batch (dataset, period, status, content_hash, contract_version,"
            " contract_hash, scope, file_count, rejected_file_count, replay_of, replay_by,"
            " replay_why) select dataset, period, 'landed', content_hash, %s, %s, %s, file_count,"
            " rejected_file_count, batch_id, %s, %s from ops.batch where batch_id = %s"
            " returning batch_id",
            (
                self.contract.version, self.contract.sha256, self.contract.scope, self.actor,
                self.why, self.origin,
            ),
        )  # fmt: skip
        batch_id = int(self._scalar())
        self.cur.execute(
            "insert into ops.batch_file select (jsonb_populate_record(f, jsonb_build_object("
            "'batch_id', %s::bigint))).* from ops.batch_file f where batch_id = %s",
            (batch_id, self.origin),
        )
        table, number = self._table(batch_id), sql.Literal(batch_id)
        names = self._names() | {
            "table": table,
            "batch": number,
            "columns": sql.SQL(", ").join(map(sql.Identifier, columns)),
            "of_row": sql.SQL(", ").join(sql.Identifier("r", name) for name in columns),
            "of_record": sql.SQL(", ").join(
                sql.SQL("e.row ->> {}").format(sql.Literal(name)) for name in columns
            ),
        }
        for statement in (
            "create table {table} (like {parent} including defaults)",
            "alter table {table} add constraint batch_id check (_batch_id = {batch})",
            "insert into {table} ({columns}, _batch_id, _file, _row)"
            " select {of_row}, {batch}, r._file, r._row from {standing}",
            "insert into {table} ({columns}, _batch_id, _file, _row)"
            " select {of_record}, {batch}, e.file_no, e.row_no"
            " from (select q.file_no, q.row_no, q.payload || coalesce(q.edited, '{{}}') as row"
            "  from {candidates}) as e where not exists"
            " (select from {table} t where t._file = e.file_no and t._row = e.row_no)",
        ):
            self.cur.execute(sql.SQL(statement).format(**names))
        self._beside(table)
        self.cur.execute(sql.SQL("select count(*) from {}").format(table))
        rows = int(self._scalar())
        lines = 0
        if self.contract.scope not in PARTIAL:
            self.cur.execute(
                "select count(*) from quality.quarantined_row q join ops.batch b using (batch_id)"
                " where coalesce(b.replay_of, b.batch_id) = %s and q.status = 'open'"
                " and q.payload ? %s and q.edited is null",
                (self.origin, LINE),
            )
            lines = int(self._scalar())
        self.cur.execute(
            "update ops.batch set row_count = %s, rejected_count = %s where batch_id = %s"
            " returning file_count, rejected_file_count",
            (rows, lines, batch_id),
        )
        files, rejected = self.cur.fetchone() or (0, 0)
        return LandResult(
            self.contract.dataset, self.period, batch_id, "landed", rows, lines, files, rejected
        )

    def _columns(self) -> list[str]:
        """Return the text columns of raw; those that the contract has gained are added."""
        self.cur.execute(
            "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0"
            " and not attisdropped order by attnum",
            (f'raw."{self.contract.dataset}"',),
        )
        present = [name for (name,) in self.cur.fetchall() if name not in PROVENANCE]
        for column in self.contract.columns:
            if column.name not in present:
                self.cur.execute(
                    sql.SQL("alter table {} add column {} text").format(
                        self.parent, sql.Identifier(column.name)
                    )
                )
                present.append(column.name)
        return present

    def _beside(self, table: sql.Identifier) -> None:
        """Fill columns that the contract has learnt since from what was landed beside the rows."""
        self.cur.execute(
            'select distinct jsonb_object_keys("values") from raw.extra_value where batch_id = %s',
            (self.origin,),
        )
        labels = [label for (label,) in self.cur.fetchall()]
        fields = {
            label: field.name
            for field in Shape.of(self.contract, self.period).fields
            for label in field.labels
        }
        for label in labels:
            name = fields.get(clean_label(label))
            if name is not None:
                self.cur.execute(
                    sql.SQL(
                        'update {} t set {} = x."values" ->> {} from raw.extra_value x'
                        " where x.batch_id = {} and x.file_no = t._file and x.row_no = t._row"
                        " and {} is null"
                    ).format(
                        table, sql.Identifier(name), sql.Literal(label), sql.Literal(self.origin),
                        sql.Identifier("t", name),
                    )
                )  # fmt: skip
