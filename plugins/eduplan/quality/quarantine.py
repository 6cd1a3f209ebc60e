"""What people do with quarantined rows: correct them, decide on them, take a decision back.

Every step is a row of ``quality.quarantine_event``. No function commits: the caller's transaction
holds all of it or nothing. All take the lock that publishing takes, so that nothing is decided on
rows that move at the same moment. A replay that was landed and not published is out of date once
one of its rows changes, and gives way.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb

from eduplan.contract import Contract
from eduplan.errors import EduplanError
from eduplan.quality import review
from eduplan.quality.hold import overridable

LINE = "_line"
"""Key of the payload of a line that could not be split into columns."""

_FROM = {
    "released": ("open",),
    "waived": ("open",),
    "rejected": ("open",),
    "open": ("released", "waived", "rejected"),
}
_SHOWN = 5

_ROWS = """
select q.quarantine_id, q.dataset, q.status, q.rules, q.payload, q.edited, q.batch_id,
    coalesce(b.replay_of, b.batch_id) as origin
from quality.quarantined_row q join ops.batch b using (batch_id)
where q.quarantine_id = any(%s)
order by q.quarantine_id
for update of q
"""

_EVENT = """
insert into quality.quarantine_event
    (quarantine_id, action, from_status, to_status, actor, reason, batch_id, before, after)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def decide(
    conn: psycopg.Connection[Any],
    contract: Contract,
    ids: Sequence[int],
    status: str,
    actor: str,
    why: str,
) -> int:
    """Decide on open rows: ``released``, ``waived`` or ``rejected``; return how many.

    A released row is published by the next replay. Raises EduplanError, and changes nothing, when
    a row is unknown, not open, or accused by a rule that no release may override.
    """
    if status not in ("released", "waived", "rejected"):
        raise EduplanError(f"{status!r} is no decision", hint="released, waived or rejected")
    rows = _rows(conn, contract, ids, status, actor, why)
    if status == "released":
        allowed = set(overridable(contract))
        for row in rows:
            fixed = [rule for rule in row["rules"] if rule not in allowed]
            if fixed:
                raise EduplanError(
                    f"row {row['quarantine_id']} cannot be released: {', '.join(fixed)} tells"
                    " of its structure, which is no matter of judgement",
                    hint="correct it (`eduplan quarantine edit`) and replay, or waive it",
                )
    return _change(conn, rows, status, status, actor, why)


def reopen(
    conn: psycopg.Connection[Any], contract: Contract, ids: Sequence[int], actor: str, why: str
) -> int:
    """Take decisions back: the rows are open again; return how many.

    A row that was released and published leaves with the next replay. Raises EduplanError when a
    row has no decision, or a later delivery took the place of its batch.
    """
    rows = _rows(conn, contract, ids, "open", actor, why)
    for row in rows:
        with psycopg.Cursor(conn) as cur:
            alive = cur.execute(
                "select from ops.batch where coalesce(replay_of, batch_id) = %s"
                " and status in ('landed', 'audited', 'held', 'published')",
                (row["origin"],),
            ).fetchone()
        if alive is None:
            raise EduplanError(
                f"row {row['quarantine_id']} is history: a later delivery took the place of its"
                f" batch {row['batch_id']}",
                hint="see `eduplan batches`",
            )
    return _change(conn, rows, "open", "reopened", actor, why)


def edit(
    conn: psycopg.Connection[Any],
    contract: Contract,
    quarantine_id: int,
    values: Mapping[str, str | None],
    actor: str,
    why: str,
) -> bool:
    """Correct columns of an open row; return whether anything changed.

    The payload stays as delivered, corrections lie over it; the next replay judges both together.
    Raises EduplanError when the row is not open or a column is not in the contract.
    """
    known = {column.name for column in contract.columns}
    unknown = sorted(values.keys() - known)
    if unknown:
        raise EduplanError(
            f"{contract.dataset} has no column {', '.join(unknown)}",
            hint=f"columns: {', '.join(sorted(known))}",
        )
    if any(value is not None and "\0" in value for value in values.values()):
        raise EduplanError("a value holds a NUL character", hint="remove it")
    (row,) = _rows(conn, contract, [quarantine_id], "edited", actor, why)
    payload, edited = row["payload"], row["edited"] or {}
    now = payload | edited
    after = {name: value for name, value in values.items() if now.get(name) != value}
    if not after:
        return False
    before = {name: now.get(name) for name in after}
    laid = {
        name: value
        for name, value in (edited | after).items()
        if name not in payload or payload[name] != value
    }
    conn.execute(
        "update quality.quarantined_row set edited = %s where quarantine_id = %s",
        (Jsonb(laid) if laid else None, quarantine_id),
    )
    conn.execute(
        _EVENT,
        (
            quarantine_id, "edited", "open", "open", actor, why, row["batch_id"],
            Jsonb(before), Jsonb(after),
        ),
    )  # fmt: skip
    outdate_replay(conn, row["origin"])
    return True


def outdate_replay(conn: psycopg.Connection[Any], origin: int) -> None:
    """Give up the replay of delivery ``origin`` that is not published yet, if there is one."""
    with psycopg.Cursor(conn) as cur:
        gone = cur.execute(
            "update ops.batch set status = 'superseded', superseded_at = clock_timestamp()"
            " where replay_of = %s and status in ('landed', 'audited', 'held') returning batch_id",
            (origin,),
        ).fetchall()
    for (batch_id,) in gone:
        review.close_waiting(conn, batch_id)


def _rows(
    conn: psycopg.Connection[Any],
    contract: Contract,
    ids: Sequence[int],
    to: str,
    actor: str,
    why: str,
) -> list[DictRow]:
    """Lock and return the rows; EduplanError unless all may take the step ``to``."""
    if not actor.strip() or not why.strip():
        raise EduplanError("a decision needs a name and a reason", hint="give --by and --why")
    conn.execute(
        "select pg_advisory_xact_lock(hashtextextended(%s, 0))",
        (f"eduplan.publish.{contract.dataset}",),
    )
    wanted = sorted(set(ids))
    with conn.cursor(row_factory=dict_row) as cur:
        rows = cur.execute(_ROWS, (wanted,)).fetchall()
    missing = set(wanted) - {r["quarantine_id"] for r in rows if r["dataset"] == contract.dataset}
    if missing or not wanted:
        raise EduplanError(
            f"{contract.dataset} has no quarantined row {_some(sorted(missing))}",
            hint="see `eduplan quarantine list`",
        )
    allowed = _FROM.get(to, ("open",))
    wrong = [r for r in rows if r["status"] not in allowed]
    if wrong:
        named = _some([f"{r['quarantine_id']} ({r['status']})" for r in wrong])
        raise EduplanError(
            f"{len(wrong)} of {len(rows)} rows cannot be {'reopened' if to == 'open' else to}:"
            f" {named}",
            hint="only open rows can be decided on or edited, only decisions be reopened;"
            " see `eduplan quarantine history ID`",
        )
    return rows


def _some(items: Sequence[object]) -> str:
    shown = ", ".join(map(str, items[:_SHOWN]))
    return f"{shown} and {len(items) - _SHOWN} more" if len(items) > _SHOWN else shown


def _change(
    conn: psycopg.Connection[Any],
    rows: Sequence[Mapping[str, Any]],
    status: str,
    action: str,
    actor: str,
    why: str,
) -> int:
    decided = status != "open"
    conn.execute(
        "update quality.quarantined_row set status = %s, decided_by = %s, decided_why = %s,"
        " decided_at = case when %s then clock_timestamp() end where quarantine_id = any(%s)",
        (
            status, actor if decided else None, why if decided else None, decided,
            [row["quarantine_id"] for row in rows],
        ),
    )  # fmt: skip
    with conn.cursor() as cur:
        cur.executemany(
            _EVENT,
            [
                (
                    row["quarantine_id"], action, row["status"], status, actor, why,
                    row["batch_id"], None, None,
                )
                for row in rows
            ],
        )  # fmt: skip
    for origin in sorted({row["origin"] for row in rows}):
        outdate_replay(conn, origin)
    return len(rows)
