"""What a delivery of some schools or some keys replaces, row by row, inside publishing.

Rows that give way are kept in ``raw.superseded_row``. Scope values are compared after
``edu.clean``; whatever the order of publishing, the row of the latest delivery stays. A replay is
as old as its delivery and later than the delivery itself and former replays.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import DictRow

from eduplan.contract import Contract

PARTIAL = ("school", "key")
"""Scopes whose batches stand beside each other in one period."""

PROVENANCE = ["_batch_id", "_file", "_row"]

# A batch published late must not bring back what a later one replaced or deleted, so the keys of
# later batches are those still there and those that were.
_OUTDATED = """
create temporary table outdated on commit drop as
select r._file, r._row, later.batch_id as superseded_by
from {table} r
join (
    select scope, max(batch_id) as batch_id
    from (
        select {scope} as scope, r._batch_id as batch_id
        from {parent} r where r._batch_id = any({later})
        union all
        select {kept}, k.batch_id
        from raw.superseded_row k
        join ops.batch b on b.batch_id = k.batch_id
        where k.dataset = {dataset} and k.period = {period}
            and (coalesce(b.replay_of, b.batch_id), b.batch_id) > ({origin}, {batch})
    ) as found
    group by scope
) as later on later.scope = {scope}
"""

_MOVE = """
with gone as (delete from {table} r using {using} where {where} returning r.*, {by} as _by)
insert into raw.superseded_row
    (batch_id, file_no, row_no, dataset, period, payload, superseded_by)
select _batch_id, _file, _row, {dataset}, {period}, to_jsonb(gone) - {provenance}::text[], _by
from gone
"""

# Records whose rows wait in quarantine. One released after its batch was published never was.
_WAITING = """
(o.status in ('open', 'waived') or o.status = 'released' and b.published_at < (
    select e.happened_at from quality.quarantine_event e
    where e.quarantine_id = o.quarantine_id order by e.event_id desc limit 1
))
"""

# Rows that an earlier delivery sent to quarantine are answered by this one, which has verdicts of
# its own; those refused for good stay refused, and a line that names no school or key is nobody's.
_ANSWERED = f"""
with answered as (
    update quality.quarantined_row q set status = 'fixed'
    from quality.quarantined_row o
    join ops.batch b using (batch_id)
    where o.quarantine_id = q.quarantine_id
        and o.dataset = {{dataset}} and o.period = {{period}} and {_WAITING}
        and coalesce(b.replay_of, b.batch_id) < {{origin}} and {{concerned}}
    returning q.quarantine_id, o.status as before
)
insert into quality.quarantine_event
    (quarantine_id, action, from_status, to_status, actor, reason, batch_id)
select quarantine_id, 'fixed', before, 'fixed', 'eduplan', '已重新报送', {{batch}} from answered
"""  # noqa: S608  a constant


@dataclass(frozen=True)
class Outdated:
    """Rows of a batch that later batches replaced already: all, those with a critical verdict,
    and the latest batch that did."""

    rows: int = 0
    critical: int = 0
    by: int | None = None


def find_outdated(
    cur: psycopg.Cursor[DictRow], contract: Contract, batch: Mapping[str, Any]
) -> Outdated:
    """Find what of ``batch`` is outdated; it waits in a temporary table for `replace`."""
    found = cur.execute(
        "select array_agg(batch_id) filter (where status = 'published') as published"
        " from ops.batch where dataset = %(dataset)s and period = %(period)s"
        " and (coalesce(replay_of, batch_id), batch_id) > (%(origin)s, %(batch_id)s)"
        " and status in ('published', 'superseded')"
        " having count(*) > 0",
        batch,
    ).fetchone()
    if found is None:
        return Outdated()
    names = _names(contract, batch)
    cur.execute(sql.SQL(_OUTDATED).format(**names, later=sql.Literal(found["published"] or [])))
    counts = cur.execute(
        "select count(*) as rows, count(v.severity) as critical, max(superseded_by) as by"
        " from outdated o left join quality.row_verdict v on v.batch_id = %s"
        " and v.file_no = o._file and v.row_no = o._row and v.severity = 'critical'",
        (batch["batch_id"],),
    ).fetchone()
    assert counts is not None  # noqa: S101  an aggregate always returns a row
    if counts["rows"]:
        return Outdated(**counts)
    return Outdated()


def move_outdated(
    cur: psycopg.Cursor[DictRow], contract: Contract, batch: Mapping[str, Any]
) -> None:
    """Move the rows that `find_outdated` found out of the batch's table."""
    names = _names(contract, batch)
    cur.execute(
        sql.SQL(_MOVE).format(
            **names,
            using=sql.SQL("outdated o"),
            where=sql.SQL("o._file = r._file and o._row = r._row"),
            by=sql.SQL("o.superseded_by"),
        )
    )


def replace(
    cur: psycopg.Cursor[DictRow], contract: Contract, batch: Mapping[str, Any]
) -> tuple[list[int], bool]:
    """Move the rows of earlier batches that ``batch`` (quarantined rows gone) replaces.

    Returns the batches that have no row left, not in quarantine either, and whether ``batch``
    itself has one: a row that only deletes its key is moved like the row it deletes.
    """
    names = _names(contract, batch)
    cur.execute(
        sql.SQL(
            "create temporary table accepted_scope on commit drop as"
            " select distinct {scope} as scope from {table} r"
        ).format(**names)
    )
    cur.execute(
        sql.SQL(
            "create temporary table delivered_scope on commit drop as select scope from"
            " accepted_scope union select {quarantined} from quality.quarantined_row q"
            " where q.batch_id = {batch}"
        ).format(**names)
    )
    cur.execute("analyze accepted_scope, delivered_scope")
    answer(cur, contract, batch)
    former = [
        row["batch_id"]
        for row in cur.execute(
            "select batch_id from ops.batch where dataset = %(dataset)s and period = %(period)s"
            " and status = 'published' and (coalesce(replay_of, batch_id), batch_id)"
            " < (%(origin)s, %(batch_id)s) order by batch_id",
            batch,
        ).fetchall()
    ]
    emptied = []
    if former:
        cur.execute(
            sql.SQL(_MOVE).format(
                **(names | {"table": names["parent"]}),
                using=sql.SQL("accepted_scope s"),
                where=sql.SQL("r._batch_id in ({}) and {} = s.scope").format(
                    sql.SQL(", ").join(map(sql.Literal, former)), names["scope"]
                ),
                by=names["batch"],
            )
        )
        # What the delivery's own rows were replayed for is gone also where none of it passed.
        cur.execute(
            sql.SQL(_MOVE).format(
                **(names | {"table": names["parent"]}),
                using=sql.SQL("delivered_scope s"),
                where=sql.SQL(
                    "r._batch_id in (select batch_id from ops.batch where status = 'published'"
                    " and coalesce(replay_of, batch_id) = {origin} and batch_id <> {batch})"
                    " and {scope} = s.scope"
                ).format(**names),
                by=names["batch"],
            )
        )
        touched = cur.execute(
            "select batch_id from raw.superseded_row where superseded_by = %(batch_id)s union"
            " select batch_id from ops.batch where coalesce(replay_of, batch_id) = %(origin)s union"
            " select q.batch_id from quality.quarantine_event e"
            " join quality.quarantined_row q using (quarantine_id) where e.batch_id = %(batch_id)s"
            " order by batch_id",
            batch,
        ).fetchall()
        emptied = [
            row["batch_id"]
            for row in touched
            if row["batch_id"] in former
            and not _has_rows(cur, contract, row["batch_id"])
            and not _waits(cur, batch, row["batch_id"])
        ]
    if contract.tombstone is not None:
        cur.execute(
            sql.SQL(_MOVE).format(
                **names,
                using=sql.SQL("(values (true)) as one"),
                where=sql.SQL("lower(edu.clean({})) in ('true', '1', '是')").format(
                    sql.Identifier("r", contract.tombstone)
                ),
                by=names["batch"],
            )
        )
    return emptied, _has_rows(cur, contract, batch["batch_id"])


def answer(cur: psycopg.Cursor[DictRow], contract: Contract, batch: Mapping[str, Any]) -> None:
    """Close the records of earlier deliveries that ``batch`` answers: those of its schools or
    keys (`replace` found them), else all of its period."""
    names = _names(contract, batch)
    concerned: sql.Composable = sql.SQL("true")
    if contract.scope in PARTIAL:
        scope = scope_of(contract, "o", payload=True)
        concerned = sql.SQL("{0} in (select scope from delivered_scope) and '' <> all({0})").format(
            scope
        )
    cur.execute(sql.SQL(_ANSWERED).format(**names, concerned=concerned))


def _has_rows(cur: psycopg.Cursor[DictRow], contract: Contract, batch_id: int) -> bool:
    table = sql.Identifier("raw", f"{contract.dataset}__b{batch_id}")
    found = cur.execute(sql.SQL("select exists (select from {}) as any").format(table)).fetchone()
    return found is not None and bool(found["any"])


def _waits(cur: psycopg.Cursor[DictRow], batch: Mapping[str, Any], batch_id: int) -> bool:
    """Whether rows of ``batch_id`` are in quarantine that ``batch`` neither answers nor judges
    again: they are published from there once they are mended."""
    found = cur.execute(
        "select exists (select from quality.quarantined_row o join ops.batch b using (batch_id)"  # noqa: S608
        f" where o.batch_id = %s and {_WAITING}"
        " and coalesce(b.replay_of, b.batch_id) <> %s) as any",
        (batch_id, batch["origin"]),
    ).fetchone()
    return found is not None and bool(found["any"])


def scope_of(
    contract: Contract, alias: str, payload: bool = False, edited: bool = True
) -> sql.Composable:
    """Return the SQL array of a row's cleaned scope columns, or of those in its ``payload``.

    A record of quarantine (``edited``) lays its corrections over the payload.
    """
    record: sql.Composable = sql.Identifier(alias, "payload")
    if edited:
        record = sql.SQL("({} || coalesce({}, '{{}}'))").format(
            record, sql.Identifier(alias, "edited")
        )
    columns = [
        sql.SQL("{} ->> {}").format(record, name) if payload else sql.Identifier(alias, name)
        for name in contract.scope_columns
    ]
    cleaned = [sql.SQL("coalesce(edu.clean({}), '')").format(column) for column in columns]
    return sql.SQL("array[{}]").format(sql.SQL(", ").join(cleaned))


def _names(contract: Contract, batch: Mapping[str, Any]) -> dict[str, sql.Composable]:
    """What the statements above are filled with."""
    return {
        "table": sql.Identifier("raw", f"{contract.dataset}__b{batch['batch_id']}"),
        "parent": sql.Identifier("raw", contract.dataset),
        "batch": sql.Literal(batch["batch_id"]),
        "origin": sql.Literal(batch["origin"]),
        "dataset": sql.Literal(contract.dataset),
        "period": sql.Literal(batch["period"]),
        "provenance": sql.Literal([*PROVENANCE, "_by"]),
        "scope": scope_of(contract, "r"),
        "kept": scope_of(contract, "k", payload=True, edited=False),
        "quarantined": scope_of(contract, "q", payload=True),
    }
