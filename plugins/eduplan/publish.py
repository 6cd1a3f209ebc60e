"""Publish an audited batch: all of it or nothing, in one transaction.

Rows with a critical verdict move to ``quality.quarantined_row``; the batch's own table becomes a
partition of ``raw.<dataset>`` without its rows being rewritten; the former batch of the same
scope leaves it (its table is kept). A batch of schools or keys takes the place of single rows
(`eduplan.replace`); a batch that has none left leaves too. Readers of ``raw.<dataset>`` see the
old state or the new one. A held batch is published by a person's decision only
(`eduplan.quality.review`); what a release may override stays in raw with a record ``released``.
"""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb

from eduplan.contract import Contract
from eduplan.errors import AuditError, EduplanError
from eduplan.quality import review
from eduplan.quality.hold import hold_reasons, overridable, reason_sentences
from eduplan.replace import (
    PARTIAL,
    PROVENANCE,
    Outdated,
    answer,
    find_outdated,
    move_outdated,
    replace,
)

_BATCH = """
select batch_id, dataset, period, status, row_count, rejected_count, accepted_count,
    quarantined_count, held_reason, coalesce(replay_of, batch_id) as origin,
    replay_of, replay_by, replay_why
from ops.batch where batch_id = %s for update
"""

_DECIDED = """
select decided_by, coalesce(decided_why, '') as decided_why from quality.review
where batch_id = %s and status = 'decided' order by review_id desc limit 1
"""

# Records of the same delivery keep their identity through its replays.
_ACCUSED = """
create temporary table accused on commit drop as
select v.file_no, v.row_no, v.rules, q.quarantine_id, q.status,
    v.rules <@ {overridable}::text[]
    and ({release} or coalesce(q.status = 'released', false)) as passes
from quality.row_verdict v
join {table} r on r._file = v.file_no and r._row = v.row_no
left join lateral (
    select q.quarantine_id, q.status from quality.quarantined_row q
    where {is_replay} and q.file_no = v.file_no and q.row_no = v.row_no
        and q.batch_id in (
            select batch_id from ops.batch where coalesce(replay_of, batch_id) = {origin}
        )
    order by q.quarantine_id desc limit 1
) q on true
where v.batch_id = {batch} and v.severity = 'critical'
"""

_SENTENCES = """array(
        select coalesce(%(reasons)s::jsonb ->> u.rule_id, u.rule_id)
        from unnest(a.rules) with ordinality as u (rule_id, place)
        order by u.place
    )"""

_QUARANTINE = f"""
with added as (
    insert into quality.quarantined_row
        (batch_id, dataset, period, file_no, row_no, payload, rules, reasons, status,
        decided_by, decided_at, decided_why)
    select %(batch)s, %(dataset)s, %(period)s, r._file, r._row,
        to_jsonb(r) - %(provenance)s::text[], a.rules, {_SENTENCES},
        case when a.passes then 'released' else 'open' end,
        case when a.passes then %(decider)s end,
        case when a.passes then clock_timestamp() end,
        case when a.passes then %(decided_why)s end
    from accused a
    join {{table}} r on r._file = a.file_no and r._row = a.row_no
    where a.quarantine_id is null
    order by r._file, r._row
    returning quarantine_id, status
)
insert into quality.quarantine_event
    (quarantine_id, action, from_status, to_status, actor, reason, batch_id)
select quarantine_id, 'released', 'open', 'released', %(decider)s, %(decided_why)s, %(batch)s
from added where status = 'released'
"""  # noqa: S608  a constant

_MOVE_ON = f"""
with moved as (
    update quality.quarantined_row q set
        batch_id = %(batch)s, rules = a.rules, reasons = {_SENTENCES},
        status = case when a.passes then 'released' else 'open' end,
        decided_by = case when a.passes then coalesce(%(decider)s, q.decided_by) end,
        decided_at = case when a.passes then coalesce(q.decided_at, clock_timestamp()) end,
        decided_why = case when a.passes then coalesce(%(decided_why)s, q.decided_why) end
    from accused a
    where a.quarantine_id = q.quarantine_id
    returning q.quarantine_id, a.status as before, q.status as after
)
insert into quality.quarantine_event
    (quarantine_id, action, from_status, to_status, actor, reason, batch_id)
select quarantine_id,
    case when before = after then 'replayed' when after = 'released' then 'released'
        else 'reopened' end,
    before, after,
    case when before <> after and after = 'released' then %(decider)s else %(replay_by)s end,
    case when before <> after and after = 'released' then %(decided_why)s else %(replay_why)s end,
    %(batch)s
from moved
"""  # noqa: S608  a constant

_FIXED = """
with mended as (
    update quality.quarantined_row q set status = 'fixed', decided_by = %(replay_by)s,
        decided_at = clock_timestamp(), decided_why = %(replay_why)s
    from quality.quarantined_row o
    join ops.batch b using (batch_id)
    join {table} r on r._file = o.file_no and r._row = o.row_no
    where o.quarantine_id = q.quarantine_id
        and coalesce(b.replay_of, b.batch_id) = %(origin)s and o.status in ('open', 'released')
        and not exists (select from accused a where a.quarantine_id = o.quarantine_id)
    returning q.quarantine_id, o.status as before
)
insert into quality.quarantine_event
    (quarantine_id, action, from_status, to_status, actor, reason, batch_id)
select quarantine_id, 'fixed', before, 'fixed', %(replay_by)s, %(replay_why)s, %(batch)s
from mended
"""

_OUTDATED_ANSWERED = """
with answered as (
    update quality.quarantined_row q set status = 'fixed'
    from outdated o, ops.batch b
    where b.batch_id = q.batch_id and coalesce(b.replay_of, b.batch_id) = %(origin)s
        and q.file_no = o._file and q.row_no = o._row and q.status = 'open'
    returning q.quarantine_id, o.superseded_by
)
insert into quality.quarantine_event
    (quarantine_id, action, from_status, to_status, actor, reason, batch_id)
select quarantine_id, 'fixed', 'open', 'fixed', 'eduplan', '已重新报送', superseded_by from answered
"""

_REMOVE = """
delete from {table} r using accused a
where not a.passes and a.file_no = r._file and a.row_no = r._row
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
                " and status = 'published'"
                " and (coalesce(replay_of, batch_id), batch_id) > (%s, %s)",
                (contract.dataset, period, batch["origin"], batch_id),
            ).fetchone()
            newer = found["batch_id"] if found is not None else None
        if outdated.rows and batch["replay_of"] is not None:
            cur.execute(_OUTDATED_ANSWERED, batch)
        if newer is not None:
            _supersede(cur, [batch_id], newer)
            return _unchanged(batch)
        counts = cur.execute(_VERDICTS, (batch_id,)).fetchone()
        assert counts is not None  # noqa: S101  an aggregate always returns a row
        # What is outdated will not be published and holds up nothing.
        critical = counts["critical"] - outdated.critical
        current = batch | {"row_count": batch["row_count"] - outdated.rows}
        reasons = hold_reasons(conn, contract, current, critical)
        decision = review.decision_of(conn, batch_id)
        if reasons and decision not in ("release", "release_clean"):
            review.ask(conn, contract, current, reasons, critical)
            cur.execute(
                "update ops.batch set status = 'held', held_reason = %s, warning_count = %s"
                " where batch_id = %s",
                ("；".join(reasons), counts["warning"], batch_id),
            )
            return PublishResult(batch_id, contract.dataset, period, "held", 0, 0, reasons=reasons)
        if outdated.rows:
            move_outdated(cur, contract, batch)
        release = decision == "release"
        return _publish_rows(cur, contract, batch, critical, counts["warning"], release)


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
    for batch_id in batch_ids:
        review.close_waiting(cur.connection, batch_id)


def _quarantine(
    cur: psycopg.Cursor[DictRow],
    contract: Contract,
    batch: dict[str, Any],
    table: sql.Identifier,
    critical: int,
    release: bool,
) -> int:
    """Move the accused rows out of the batch's table, their records to where they belong.

    Returns the number of rows moved out; those that a person released stay.
    """
    batch_id, is_replay = batch["batch_id"], batch["replay_of"] is not None
    if not critical and not is_replay:
        return 0
    found = cur.execute(
        sql.SQL(_ACCUSED).format(
            table=table,
            overridable=sql.Literal(overridable(contract)),
            release=sql.Literal(release),
            is_replay=sql.Literal(is_replay),
            origin=sql.Literal(batch["origin"]),
            batch=sql.Literal(batch_id),
        )
    ).rowcount
    counts = cur.execute("select count(*) filter (where not passes) as bad from accused").fetchone()
    assert counts is not None  # noqa: S101  an aggregate always returns a row
    decided = cur.execute(_DECIDED, (batch_id,)).fetchone() if release else None
    values = {
        "batch": batch_id,
        "origin": batch["origin"],
        "dataset": contract.dataset,
        "period": batch["period"],
        "provenance": PROVENANCE,
        "reasons": Jsonb(reason_sentences(contract)),
        "decider": decided["decided_by"] if decided else None,
        "decided_why": decided["decided_why"] if decided else None,
        "replay_by": batch["replay_by"],
        "replay_why": batch["replay_why"],
    }
    if is_replay:
        cur.execute(_MOVE_ON, values)
        cur.execute(sql.SQL(_FIXED).format(table=table), values)
    cur.execute(sql.SQL(_QUARANTINE).format(table=table), values)
    removed = cur.execute(sql.SQL(_REMOVE).format(table=table)).rowcount
    if found != critical or removed != counts["bad"]:
        raise AuditError(
            f"batch {batch_id} of {contract.dataset}: {critical} rows have a critical verdict, but"
            f" {found} were found and {removed} of {counts['bad']} removed",
            hint="audit the batch again; (_file, _row) must name one row each",
        )
    return removed


def _publish_rows(
    cur: psycopg.Cursor[DictRow],
    contract: Contract,
    batch: dict[str, Any],
    critical: int,
    warning: int,
    release: bool,
) -> PublishResult:
    batch_id, dataset, period = batch["batch_id"], contract.dataset, batch["period"]
    table = sql.Identifier("raw", f"{dataset}__b{batch_id}")
    parent = sql.Identifier("raw", dataset)
    quarantined = _quarantine(cur, contract, batch, table, critical, release)
    accepted = batch["row_count"] - quarantined
    if contract.scope in PARTIAL:
        superseded, has_rows = replace(cur, contract, batch)
    else:
        # A held one of before waits for nothing any more.
        former = cur.execute(
            "select batch_id from ops.batch where dataset = %s and period = %s"
            " and (status = 'published' or status = 'held'"
            "  and (coalesce(replay_of, batch_id), batch_id) < (%s, %s))"
            " order by batch_id for update",
            (dataset, period, batch["origin"], batch_id),
        ).fetchall()
        answer(cur, contract, batch)
        superseded, has_rows = [row["batch_id"] for row in former], True
    _supersede(cur, superseded, batch_id)
    if batch["replay_of"] is not None:
        # What was not judged again (waived, rejected, a line not yet corrected) goes along.
        cur.execute(
            "update quality.quarantined_row set batch_id = %s where status <> 'fixed'"
            " and batch_id in (select batch_id from ops.batch where batch_id = any(%s)"
            "  and coalesce(replay_of, batch_id) = %s)",
            (batch_id, superseded, batch["origin"]),
        )
    review.close_waiting(cur.connection, batch_id)
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
