"""Fill the placeholders of a contract rule's SQL.

``{batch}``               the relation with this batch's rows (all columns, ``_file``, ``_row``)
``{after}``               the contract's columns of what will be published for the period after this
                          batch: its rows, and those that it does not replace. Sums over schools
                          want this one where a delivery may hold three schools; else the same
``{period}``              the batch's period, a text literal
``{period_start}``        its first day, a date literal
``{published:DATASET}``   rows of DATASET's published batch of the same period (of the same starting
                          year where the kinds of period differ); of all of them where they
                          stand beside each other (scopes school and key)
``{previous:DATASET}``    rows of DATASET's batch of the period before: the published one, else one
                          that was audited and not held, without the rows of a critical verdict
``{reference:NAME}``      table ``ref_data.NAME``

A rule whose batch does not exist is not run and accuses nobody. Rendered SQL has no parameters:
execute it without any, so that a ``%`` in it stays what it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import LiteralString, cast

import psycopg
from psycopg import sql

from eduplan.contract import FULL_PERIOD, PLACEHOLDER, Contract, Rule, period_start
from eduplan.replace import PARTIAL, scope_of


@dataclass(frozen=True)
class Lookup:
    """One batch that a rule reads; ``clean_only``: leave out rows of a critical verdict.

    ``beside`` lists all published batches instead, where each replaced only some schools or keys.
    """

    dataset: str
    batch_id: int
    clean_only: bool = False
    beside: tuple[int, ...] = ()

    def relation(self) -> sql.Composable:
        """The batch's rows, ready to stand behind FROM (give it an alias)."""
        if self.beside:
            return sql.SQL("(SELECT r.* FROM {} r WHERE r._batch_id IN ({}))").format(
                sql.Identifier("raw", self.dataset),
                sql.SQL(", ").join(map(sql.Literal, self.beside)),
            )
        table = batch_relation(self.dataset, self.batch_id)
        if not self.clean_only:
            return table
        return sql.SQL(
            "(SELECT r.* FROM {table} r WHERE NOT EXISTS (SELECT FROM quality.row_verdict v"
            " WHERE v.batch_id = {batch} AND v.file_no = r._file AND v.row_no = r._row"
            " AND v.severity = 'critical'))"
        ).format(table=table, batch=sql.Literal(self.batch_id))


@dataclass(frozen=True)
class NotRun:
    """Why a rule could not be run, a sentence for people."""

    reason: str


def batch_relation(dataset: str, batch_id: int) -> sql.Composable:
    """The table that landing made for one batch."""
    return sql.Identifier("raw", f"{dataset}__b{batch_id}")


def resolve(
    conn: psycopg.Connection, contract: Contract, period: str, rule: Rule
) -> Mapping[str, Lookup] | NotRun:
    """Find the batches that ``rule`` reads besides its own: placeholder -> batch.

    Returns NotRun with the first missing one. Reads ``ops.batch`` only.
    """
    found: dict[str, Lookup] = {}
    for placeholder in dict.fromkeys(PLACEHOLDER.findall(rule.sql)):
        verb, _, dataset = placeholder.partition(":")
        if verb == "after":
            others = _published(conn, contract.dataset, period[:4])
            if contract.scope in PARTIAL and others:
                found[placeholder] = Lookup(contract.dataset, others[-1], beside=others)
            continue
        if verb not in ("published", "previous"):
            continue
        year = "" if period == FULL_PERIOD else period[:4]
        if verb == "previous":
            if not year:
                return NotRun(f"{contract.title_zh}不分期，没有上一期可比。")
            year = str(int(year) - 1)
        row = conn.execute(
            "SELECT batch_id, status, scope, period FROM ops.batch WHERE dataset = %(dataset)s"
            " AND (left(period, 4) = %(year)s OR period = %(full)s OR %(year)s = '')"
            " AND (status = 'published'"
            "      OR %(audited)s AND status = 'audited' AND held_reason IS NULL)"
            " ORDER BY status = 'published' DESC, period DESC, batch_id DESC LIMIT 1",
            {
                "dataset": dataset,
                "year": year,
                "full": FULL_PERIOD,
                "audited": verb == "previous",
            },
        ).fetchone()
        if row is None:
            which = f"{year}年起的一期" if verb == "previous" else f"与{period}同期"
            return NotRun(f"没有{which}的 {dataset} 已发布数据，本规则未执行。")
        beside: tuple[int, ...] = ()
        if row[1] == "published" and row[2] in PARTIAL:
            beside = _published(conn, dataset, row[3][:4])
        found[placeholder] = Lookup(dataset, row[0], row[1] != "published", beside)
    return found


def _published(conn: psycopg.Connection, dataset: str, year: str) -> tuple[int, ...]:
    rows = conn.execute(
        "SELECT batch_id FROM ops.batch WHERE dataset = %s AND status = 'published'"
        " AND (left(period, 4) = %s OR period = %s) ORDER BY batch_id",
        (dataset, year, FULL_PERIOD),
    ).fetchall()
    return tuple(batch_id for (batch_id,) in rows)


def _after(contract: Contract, batch: sql.Composable, others: Lookup | None) -> sql.Composable:
    if others is None:
        return batch
    names = [*(column.name for column in contract.columns), "_file", "_row"]
    return sql.SQL(
        "(SELECT {columns} FROM {batch} r UNION ALL SELECT {columns} FROM {others} r"
        " WHERE NOT EXISTS (SELECT FROM {batch} n WHERE {new} = {old}))"
    ).format(
        columns=sql.SQL(", ").join(sql.Identifier("r", name) for name in names),
        batch=batch,
        others=others.relation(),
        new=scope_of(contract, "n"),
        old=scope_of(contract, "r"),
    )


def render(
    rule_sql: str,
    contract: Contract,
    batch: sql.Composable,
    period: str,
    lookups: Mapping[str, Lookup],
) -> sql.Composed:
    """Return ``rule_sql`` (a predicate, ``where`` or query of ``contract``) ready to execute.

    ``batch`` is the relation for ``{batch}``; ``lookups`` comes from `resolve`. Raises KeyError
    for a placeholder that is not resolved.
    """
    parts: list[sql.Composable] = []
    for index, piece in enumerate(PLACEHOLDER.split(rule_sql)):
        if index % 2 == 0:
            # Rules are written by the contract's owner and reviewed; no data is in their text.
            parts.append(sql.SQL(cast(LiteralString, piece)))
        elif piece == "batch":
            parts.append(batch)
        elif piece == "after":
            parts.append(_after(contract, batch, lookups.get(piece)))
        elif piece == "period":
            parts.append(sql.Literal(period))
        elif piece == "period_start":
            start = period_start(contract.period_kind, period)
            parts.append(sql.SQL("DATE ") + sql.Literal(start.isoformat()))
        elif piece.startswith("reference:"):
            parts.append(sql.Identifier("ref_data", piece.partition(":")[2]))
        else:
            parts.append(lookups[piece].relation())
    return sql.Composed(parts)
