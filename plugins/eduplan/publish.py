"""Publish an audited batch: all of it or nothing, in one transaction.

Rows with a critical verdict move to ``quality.quarantined_row``; the batch's own table becomes a
partition of ``raw.<dataset>`` without its rows being rewritten; the former batch of the same
scope leaves it (its table is kept). A batch of schools or keys takes the place of single rows
(`eduplan.replace`); a batch that has none left leaves too. Readers of ``raw.<dataset>`` see the
old state or the new one.
"""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb

from eduplan.contract import Contract
from eduplan.errors import AuditError, EduplanError
from eduplan.quality.hold import hold_reasons, reason_sentences
from eduplan.replace import (
    PARTIAL,
    PROVENANCE,
    Outdated,
    find_outdated,
    move_outdated,
    replace,
)

_BATCH = """
select batch_id, dataset, period, status, row_count, rejected_count, accepted_count,
    quarantined_count, held_reason
from ops.batch where batch_id = %s for update
"""

_QUARANTINE = """
insert into quality.quarantined_row
    (batch_id, dataset, period, file_no, row_no, payload, rules, reasons)
select
    %(batch)s, %(dataset)s, %(period)s, r._file, r._row,
    to_jsonb(r) - %(provenance)s::text[],
    v.rules,
    array(
        select coalesce(%(reasons)s::jsonb ->> u.rule_id, u.rule_id)
        from unnest(v.rules) with ordinality as u (rule_id, place)
        order by u.place
    )
from {table} r
join quality.row_verdict v
    on v.batch_id = %(batch)s and v.file_no = r._file and v.row_no = r._row
where v.severity = 'critical'
order by r._file, r._row
"""

_REMOVE = """
delete from {table} r
using quality.row_verdict v
where v.batch_id = %(batch)s and v.severity = 'critical'
    and v.file_no = r._file and v.row_no = r._row
"""

_VERDICTS = """
select
    count(*) filter (where severity = 'critical') as critical,
    count(*) filter (where severity = 'warning') as warning
from quality.row_verdict where batch_id = %s
"""

_ATTACHED = """
select 1 from pg_inherits
where inhparent = to_regclass(%(parent)s) and inhrelid = to_regclass(%(child)s)
"""


@dataclass(frozen=True)
class PublishResult:
    """What publishing one batch did.

    ``outcome`` is ``published``, ``held`` (a person must decide; nothing moved) or ``unchanged``
    (published before, or newer ones replace all of it). ``accepted`` and ``quarantined`` count
    rows (``accepted`` those too that delete a key), ``superseded`` names the batches that left
    ``raw.<dataset>``, ``reasons`` says in Chinese why a batch is held.
    """

    batch_id: int
    dataset: str
    period: str
    outcome: str
    accepted: int
    quarantined: int
    superseded: tuple[int, ...] = ()
    reasons: tuple[str, ...] = ()


def publish(conn: psycopg.Connection, contract: Contract, batch_id: int) -> PublishResult:
    """Publish the audited batch ``batch_id``, or hold it; commits.

    Publishing a published or superseded batch again changes nothing. Publishers of one dataset
    wait for each other; readers wait only while partitions are exchanged at the very end.
    Raises AuditError when the batch was not audited, EduplanError when it cannot be published.
    """
    conn.rollback()  # a snapshot the caller left open would be older than the lock below
    with conn.transaction(), conn.cursor(row_factory=dict_row) as cur:
        cur.execute(
            "select pg_advisory_xact_lock(hashtextextended(%s, 0))",
            (f"eduplan.publish.{contract.dataset}",),
        )
        batch = cur.execute(_BATCH, (batch_id,)).fetchone()
        if batch is None or batch["dataset"] != contract.dataset:
            raise EduplanError(
                f"dataset {contract.dataset} has no batch {batch_id}",
                hint="see `eduplan batches`",
            )
        status, period = batch["status"], batch["period"]
        if status in ("published", "superseded"):
            return _unchanged(batch)
        if status == "landed":
            raise AuditError(
                f"batch {batch_id} of {contract.dataset} was not audited",
                hint="audit it first: nothing is published unseen",
            )
        if status in ("failed", "rejected"):
            raise EduplanError(
                f"batch {batch_id} of {contract.dataset} is {status} and cannot be published",
                hint="deliver the corrected file",
            )
        outdated = Outdated()
        if contract.scope in PARTIAL:
            outdated = find_outdated(cur, contract, batch)
            newer = outdated.by if outdated.rows == batch["row_count"] else None
        else:
            found = cur.execute(
                "select batch_id from ops.batch where dataset = %s and period = %s"
                " and status = 'published' and batch_id > %s",
                (contract.dataset, period, batch_id),
            ).fetchone()
            newer = found["batch_id"] if found is not None else None
        if newer is not None:
            _supersede(cur, [batch_id], newer)
            return _unchanged(batch)
        counts = cur.execute(_VERDICTS, (batch_id,)).fetchone()
        assert counts is not None  # noqa: S101  an aggregate always returns a row
        # What is outdated will not be published and holds up nothing.
        critical = counts["critical"] - outdated.critical
        current = batch | {"row_count": batch["row_count"] - outdated.rows}
        reasons = hold_reasons(conn, contract, current, critical)
        if reasons:
            cur.execute(
                "update ops.batch set status = 'held', held_reason = %s, warning_count = %s"
                " where batch_id = %s",
                ("；".join(reasons), counts["warning"], batch_id),
            )
            return PublishResult(batch_id, contract.dataset, period, "held", 0, 0, reasons=reasons)
        if outdated.rows:
            move_outdated(cur, contract, batch)
        return _publish_rows(cur, contract, batch, critical, counts["warning"])


def _unchanged(batch: dict[str, Any]) -> PublishResult:
    return PublishResult(
        batch["batch_id"],
        batch["dataset"],
        batch["period"],
        "unchanged",
        batch["accepted_count"] or 0,
        batch["quarantined_count"] or 0,
    )


def _supersede(cur: psycopg.Cursor[DictRow], batch_ids: list[int], by: int) -> None:
    cur.execute(
        "update ops.batch set status = 'superseded', superseded_at = clock_timestamp(),"
        " superseded_by = %s where batch_id = any(%s)",
        (by, batch_ids),
    )


def _publish_rows(
    cur: psycopg.Cursor[DictRow],
    contract: Contract,
    batch: dict[str, Any],
    critical: int,
    warning: int,
) -> PublishResult:
    batch_id, dataset, period = batch["batch_id"], contract.dataset, batch["period"]
    table = sql.Identifier("raw", f"{dataset}__b{batch_id}")
    parent = sql.Identifier("raw", dataset)
    quarantined = 0
    if critical:
        moved = cur.execute(
            sql.SQL(_QUARANTINE).format(table=table),
            {
                "batch": batch_id,
                "dataset": dataset,
                "period": period,
                "provenance": PROVENANCE,
                "reasons": Jsonb(reason_sentences(contract)),
            },
        ).rowcount
        quarantined = cur.execute(
            sql.SQL(_REMOVE).format(table=table), {"batch": batch_id}
        ).rowcount
        if not moved == quarantined == critical:
            raise AuditError(
                f"batch {batch_id} of {dataset}: {critical} rows have a critical verdict, but"
                f" {moved} were quarantined and {quarantined} removed",
                hint="audit the batch again; (_file, _row) must name one row each",
            )
    accepted = batch["row_count"] - quarantined
    if contract.scope in PARTIAL:
        superseded, has_rows = replace(cur, contract, batch)
    else:
        former = cur.execute(
            "select batch_id from ops.batch where dataset = %s and period = %s"
            " and status = 'published' for update",
            (dataset, period),
        ).fetchall()
        superseded, has_rows = [row["batch_id"] for row in former], True
    _supersede(cur, superseded, batch_id)
    cur.execute(
        "update ops.batch set status = 'published', published_at = clock_timestamp(), scope = %s,"
        " accepted_count = %s, quarantined_count = %s, warning_count = %s, held_reason = null"
        " where batch_id = %s",
        (contract.scope, accepted, quarantined, warning, batch_id),
    )
    # Last, and parent first: readers lock the parent before its partitions, so they can neither
    # deadlock with us nor see the former batch gone and the new one missing.
    cur.execute(sql.SQL("lock table {} in access exclusive mode").format(parent))
    for old in superseded:
        names = {"parent": f"raw.{dataset}", "child": f"raw.{dataset}__b{old}"}
        if cur.execute(_ATTACHED, names).fetchone():
            cur.execute(
                sql.SQL("alter table {} detach partition {}").format(
                    parent, sql.Identifier("raw", f"{dataset}__b{old}")
                )
            )
    # The CHECK (_batch_id = …) and NOT NULL made by landing spare the scan of the new partition.
    # A batch that only deletes needs none.
    if has_rows:
        cur.execute(
            sql.SQL("alter table {} attach partition {} for values in ({})").format(
                parent, table, sql.Literal(batch_id)
            )
        )
    return PublishResult(
        batch_id, dataset, period, "published", accepted, quarantined, tuple(superseded)
    )
