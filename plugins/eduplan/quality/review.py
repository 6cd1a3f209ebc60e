"""Held batches and the decisions on them."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from eduplan.contract import Contract

# A batch that is judged again while its request waits keeps the request, with today's reasons.
_ASK = """
insert into quality.review
    (batch_id, dataset, period, reasons, row_count, critical_count)
values (%(batch_id)s, %(dataset)s, %(period)s, %(reasons)s, %(row_count)s, %(critical)s)
on conflict (batch_id) where status = 'waiting' do update
set reasons = excluded.reasons, row_count = excluded.row_count,
    critical_count = excluded.critical_count
returning review_id
"""

_DECISION = """
select decision from quality.review
where batch_id = %s and status = 'decided' order by review_id desc limit 1
"""

_CLOSE = """
update quality.review set status = %s, closed_at = clock_timestamp()
where batch_id = %s and status = 'waiting'
"""


def ask(
    conn: psycopg.Connection[Any],
    contract: Contract,
    batch: Mapping[str, Any],
    reasons: Sequence[str],
    critical: int,
) -> int:
    """Open a review of a held batch unless one waits already; return its id. Does not commit.

    ``batch`` carries ``batch_id``, ``period`` and ``row_count``; ``critical`` counts its rows with
    a critical verdict.
    """
    values = {
        "batch_id": batch["batch_id"],
        "dataset": contract.dataset,
        "period": batch["period"],
        "reasons": list(reasons),
        "row_count": batch["row_count"],
        "critical": critical,
    }
    with psycopg.Cursor(conn) as cur:  # plain tuples, whatever rows the caller's cursors make
        row = cur.execute(_ASK, values).fetchone()
    assert row is not None  # noqa: S101  an upsert that updates always returns a row
    return int(row[0])


def decision_of(conn: psycopg.Connection[Any], batch_id: int) -> str | None:
    """Return the last decision on a batch (release | release_clean | reject), None if undecided."""
    with psycopg.Cursor(conn) as cur:
        row = cur.execute(_DECISION, (batch_id,)).fetchone()
    return None if row is None else str(row[0])


def close_waiting(conn: psycopg.Connection[Any], batch_id: int, status: str = "withdrawn") -> None:
    """Close the review that waits on a batch, if any, as withdrawn or expired. Does not commit."""
    with psycopg.Cursor(conn) as cur:
        cur.execute(_CLOSE, (status, batch_id))
