"""Held batches and the decisions on them: what a person is asked, what they answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import class_row

from eduplan.contract import Contract
from eduplan.errors import EduplanError

DECISIONS: Mapping[str, str] = {
    "release": "发布全部可放行的行",
    "release_clean": "剔除问题行后发布",
    "reject": "退回",
}
"""What may be decided, in the words of the request."""

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

_FIND = """
select r.review_id, r.batch_id, r.dataset, r.period, r.status, r.reasons, r.row_count,
    r.critical_count, r.decision, r.decided_by, b.status as batch_status, b.rejected_count
from quality.review r join ops.batch b using (batch_id)
where r.review_id = coalesce(%(review)s, (
    select max(review_id) from quality.review where batch_id = %(batch)s
))
"""

_UNASKED = """
select review_id from quality.review
where dataset = %s and status = 'waiting' and airflow_run_id is null order by review_id
"""


@dataclass(frozen=True)
class Review:
    """One request for a decision, and how its batch stands now."""

    review_id: int
    batch_id: int
    dataset: str
    period: str
    status: str
    reasons: list[str]
    row_count: int
    critical_count: int
    decision: str | None
    decided_by: str | None
    batch_status: str
    rejected_count: int


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


def find(
    conn: psycopg.Connection[Any], *, review_id: int | None = None, batch_id: int | None = None
) -> Review:
    """Return one review, or the last one of a batch; EduplanError when there is none."""
    with conn.cursor(row_factory=class_row(Review)) as cur:
        found = cur.execute(_FIND, {"review": review_id, "batch": batch_id}).fetchone()
    if found is None:
        what = f"review {review_id}" if review_id is not None else f"review of batch {batch_id}"
        raise EduplanError(f"there is no {what}", hint="see `eduplan review list --status any`")
    return found


def unasked(conn: psycopg.Connection[Any], dataset: str) -> list[int]:
    """Return the waiting reviews of a dataset that no run of Airflow asks for."""
    with psycopg.Cursor(conn) as cur:
        return [row[0] for row in cur.execute(_UNASKED, (dataset,)).fetchall()]


def claim(conn: psycopg.Connection[Any], review_id: int, run_id: str) -> bool:
    """Note which run of Airflow asks; False when there is nothing to ask. Does not commit."""
    return (
        conn.execute(
            "update quality.review r set airflow_run_id = %s from ops.batch b"
            " where r.review_id = %s and r.status = 'waiting' and b.batch_id = r.batch_id"
            " and b.status = 'held'",
            (run_id, review_id),
        ).rowcount
        == 1
    )


def expire(conn: psycopg.Connection[Any], review_id: int) -> bool:
    """Close a request that nobody answered; its batch stays held. Does not commit."""
    return (
        conn.execute(
            "update quality.review set status = 'expired', closed_at = clock_timestamp()"
            " where review_id = %s and status = 'waiting'",
            (review_id,),
        ).rowcount
        == 1
    )


def decide(
    conn: psycopg.Connection[Any], review_id: int, decision: str, actor: str, why: str
) -> Review:
    """Record a decision on a held batch; one transaction (one open in ``conn`` is committed).

    ``reject`` takes effect at once; with the others ``ingest.publish_all`` publishes the batch.
    An expired request may still be answered. The same decision twice is one.
    Raises EduplanError when the batch is not held any more or was decided on differently.
    """
    if decision not in DECISIONS:
        raise EduplanError(
            f"{decision!r} is no decision", hint=f"one of: {', '.join(sorted(DECISIONS))}"
        )
    conn.commit()
    with conn.transaction():
        # No publisher may be at work on the batch meanwhile.
        conn.execute(
            "select pg_advisory_xact_lock(hashtextextended(%s, 0))",
            (f"eduplan.publish.{find(conn, review_id=review_id).dataset}",),
        )
        review = find(conn, review_id=review_id)
        if review.status == "decided" and review.decision == decision:
            return review
        _refuse_outdated(conn, review)
        conn.execute(
            "update quality.review set status = 'decided', decision = %s, decided_by = %s,"
            " decided_why = %s, closed_at = clock_timestamp() where review_id = %s",
            (decision, actor, why.strip(), review_id),
        )
        if decision == "reject":
            conn.execute(
                "update ops.batch set status = 'rejected' where batch_id = %s", (review.batch_id,)
            )
        return find(conn, review_id=review_id)


def _refuse_outdated(conn: psycopg.Connection[Any], review: Review) -> None:
    where = f"batch {review.batch_id} of {review.dataset} {review.period}"
    if review.status == "decided":
        raise EduplanError(
            f"{where} was decided on before: {review.decision}, by {review.decided_by}",
            hint="that decision stands; a later delivery takes the batch's place",
        )
    if review.batch_status != "held":
        raise EduplanError(
            f"{where} is {review.batch_status}, not held any more: nothing was changed",
            hint="see `eduplan review list`",
        )
    if find(conn, batch_id=review.batch_id).review_id != review.review_id:
        raise EduplanError(
            f"review {review.review_id} of {where} is out of date: a newer one waits",
            hint="see `eduplan review list`",
        )
