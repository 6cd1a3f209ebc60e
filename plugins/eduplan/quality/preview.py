"""What a decision on a held batch would move: the indicators computed as if it were published.

The models themselves compute it. A scratch schema holds views that show the batch in its place
among the published rows; dbt builds into the same schema what lies between the batch's dataset and
the indicators, and reads everything else where the last build left it (``--defer``). Nothing but
``quality.review_move`` is written outside that schema, which is dropped at the end; what a killed
run left is dropped by the next one.

What was published since the last build and belongs to the same models moves with the batch: the
figures after are those that the next build would publish.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import DictRow, class_row, dict_row

from eduplan import transform, warehouse
from eduplan.contract import Contract
from eduplan.errors import BuildError, EduplanError
from eduplan.ingest import contract_of
from eduplan.postgres import ensure_database
from eduplan.quality.hold import overridable
from eduplan.replace import PARTIAL, find_outdated, scope_of
from eduplan.settings import Settings

_PREFIX = "preview_"

_BATCH = """
select r.review_id, b.batch_id, b.dataset, b.period, b.status, b.row_count, b.replay_of,
    coalesce(b.replay_of, b.batch_id) as origin
from quality.review r join ops.batch b using (batch_id)
where r.review_id = %s
"""

_PUBLISHED = """
select batch_id from ops.batch
where dataset = %(dataset)s and period = %(period)s and status = 'published'
    and (not %(partial)s
        or (coalesce(replay_of, batch_id), batch_id) < (%(origin)s, %(batch_id)s))
order by batch_id
"""

_NEWER = """
select 1 from ops.batch
where dataset = %(dataset)s and period = %(period)s and status = 'published'
    and (coalesce(replay_of, batch_id), batch_id) > (%(origin)s, %(batch_id)s) limit 1
"""

_COLUMNS = """
select attname from pg_attribute
where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped order by attnum
"""

# Rows of the batch that enter, as publishing would have it: not those that go to quarantine (all
# bad ones, or those that no release may override; a replay keeps what was released before), nor
# those a later batch replaced.
_KEPT = """
not exists (
    select from quality.row_verdict v
    where v.batch_id = {batch} and v.file_no = r._file and v.row_no = r._row
        and v.severity = 'critical'
        and not (
            v.rules <@ {overridable}::text[]
            and ({release} or {is_replay} and exists (
                select from quality.quarantined_row q
                join ops.batch b using (batch_id)
                where coalesce(b.replay_of, b.batch_id) = {origin} and q.status = 'released'
                    and q.file_no = v.file_no and q.row_no = v.row_no
            ))
        )
)
and not exists (select from {scratch}.outdated o where o._file = r._file and o._row = r._row)
"""

_MOVES = """
insert into quality.review_move (review_id, decision, indicator_code, region_code, region_name,
    period, value_before, value_after, status_before, status_after)
with figures as (
    select value.indicator_code, value.region_code, value.region_name, value.period,
        value.value::numeric(28, 8) as value, progress.status, place.is_after
    from (
        select *, false as is_after from marts.ind_value
        union all
        select *, true from {scratch}.ind_value
    ) as value
    left join (
        select plan_version, indicator_code, region_code, period, status, false as is_after
        from marts.ind_progress
        union all
        select plan_version, indicator_code, region_code, period, status, true
        from {scratch}.ind_progress
    ) as progress
        on progress.plan_version = %(plan)s and value.indicator_code = progress.indicator_code
        and value.region_code = progress.region_code and value.period = progress.period
        and value.is_after = progress.is_after
    cross join lateral (select value.is_after) as place
    where value.breakdown = 'all' and value.region_level in ('city', 'county')
),
before as (select * from figures where not is_after),
after as (select * from figures where is_after)
select %(review)s, %(decision)s, indicator_code, region_code,
    coalesce(after.region_name, before.region_name), period,
    before.value, after.value, before.status, after.status
from before full join after using (indicator_code, region_code, period)
where (before.value, before.status) is distinct from (after.value, after.status)
"""

# What appears, vanishes or changes its status first; then by the share that the value moves.
_STORED = """
select decision, indicator_code, region_code, region_name, period, value_before, value_after,
    status_before, status_after
from quality.review_move
where review_id = %s
order by decision desc, (value_before is null) <> (value_after is null) desc,
    abs(value_after - value_before) / nullif(abs(value_before), 0) desc nulls last,
    indicator_code, region_code, period
"""


@dataclass(frozen=True)
class Move:
    """One published figure that a decision would move; None: no value (or it is suppressed)."""

    decision: str
    indicator_code: str
    region_code: str
    region_name: str
    period: str
    value_before: Decimal | None
    value_after: Decimal | None
    status_before: str | None
    status_after: str | None


def moves(settings: Settings, review_id: int) -> tuple[Move, ...]:
    """Compute what each decision on the held batch would move and keep it in quality.review_move.

    Returns `stored`. Nothing is computed before the first build of the warehouse, nor for a batch
    that a later one replaces altogether. Waits for a running build; a build waits for it.

    Raises EduplanError when the batch is not held any more, BuildError when a model fails.
    """
    url = ensure_database(settings)
    with warehouse.connect(url) as conn, warehouse.session_lock(conn, "eduplan.preview"):
        conn.execute("select pg_advisory_lock_shared(%s)", (transform.BUILD_LOCK,))
        _drop_left(conn)
        conn.commit()
        shutil.rmtree(settings.home / "preview", ignore_errors=True)
        batch = _held(conn, review_id)
        contract = contract_of(settings, batch["dataset"])
        with conn.transaction():
            conn.execute("delete from quality.review_move where review_id = %s", (review_id,))
        if not _is_built(conn) or _is_outdated(conn, contract, batch):
            return ()
        _compute(settings, url, conn, contract, batch, "release_clean")
        if _differs(conn, contract, batch):
            _compute(settings, url, conn, contract, batch, "release")
        else:
            conn.execute(
                "insert into quality.review_move select review_id, 'release', indicator_code,"
                " region_code, region_name, period, value_before, value_after, status_before,"
                " status_after from quality.review_move"
                " where review_id = %s and decision = 'release_clean'",
                (review_id,),
            )
        conn.commit()
        return stored(conn, review_id)


def stored(conn: psycopg.Connection[Any], review_id: int) -> tuple[Move, ...]:
    """Return the moves as computed, `release_clean` first, the largest first in each."""
    with conn.cursor(row_factory=class_row(Move)) as cur:
        return tuple(cur.execute(_STORED, (review_id,)).fetchall())


def _held(conn: psycopg.Connection[Any], review_id: int) -> DictRow:
    with conn.cursor(row_factory=dict_row) as cur:
        batch = cur.execute(_BATCH, (review_id,)).fetchone()
    conn.commit()
    if batch is None:
        raise EduplanError(f"there is no review {review_id}", hint="see `eduplan review list`")
    if batch["status"] != "held":
        raise EduplanError(
            f"batch {batch['batch_id']} of {batch['dataset']} is {batch['status']}, not held:"
            " nothing to decide",
            hint="see `eduplan review list`",
        )
    return batch


def _is_built(conn: psycopg.Connection[Any]) -> bool:
    found = conn.execute(
        "select to_regclass('marts.ind_value') is not null"
        " and to_regclass('marts.ind_progress') is not null"
    ).fetchone()
    conn.commit()
    return found == (True,)


def _is_outdated(
    conn: psycopg.Connection[Any], contract: Contract, batch: Mapping[str, Any]
) -> bool:
    """Tell whether a later delivery replaced the whole batch, so that nothing of it would move."""
    found = conn.execute(_NEWER, batch).fetchone()
    conn.commit()
    return contract.scope not in PARTIAL and found is not None


def _differs(conn: psycopg.Connection[Any], contract: Contract, batch: Mapping[str, Any]) -> bool:
    """Tell whether a release lets any row through that publishing without bad rows does not."""
    found = conn.execute(
        "select exists (select from quality.row_verdict where batch_id = %s"
        " and severity = 'critical' and rules <@ %s::text[])",
        (batch["batch_id"], overridable(contract)),
    ).fetchone()
    conn.commit()
    return found == (True,)


def _compute(
    settings: Settings,
    url: str,
    conn: psycopg.Connection[Any],
    contract: Contract,
    batch: Mapping[str, Any],
    decision: str,
) -> None:
    """Build one decision aside and store what differs from the published figures."""
    name = f"{_PREFIX}{batch['review_id']}_{decision}"
    folder = settings.home / "preview" / name
    (folder / "state").mkdir(parents=True)
    scratch = sql.Identifier(name)
    try:
        with conn.transaction(), conn.cursor(row_factory=dict_row) as cur:
            _stage(cur, scratch, contract, batch, decision)
        manifest = _published_manifest(settings, url, folder)
        _copy_incremental(conn, scratch, manifest)
        outcome = transform.run_dbt(
            settings,
            url,
            [
                *("run", "--select", f"source:raw.{contract.dataset}+,+ind_progress"),
                *("--defer", "--favor-state", "--state", str(folder / "state")),
            ],
            folder,
            {"raw_schema": name, "ops_schema": name, "scratch_schema": name},
        )
        if error := transform.explain(outcome, settings):
            raise BuildError(
                f"review {batch['review_id']}, {decision}: {error}",
                hint="decide without the preview, or mend the model",
            )
        built = conn.execute("select to_regclass(%s)", (f"{name}.ind_progress",)).fetchone()
        if built is not None and built[0] is not None:
            conn.execute(
                sql.SQL(_MOVES).format(scratch=scratch),
                {
                    "plan": settings.plan_version,
                    "review": batch["review_id"],
                    "decision": decision,
                },
            )
        conn.commit()
        shutil.rmtree(folder)
    finally:
        if not conn.broken:  # else the next run drops what is left
            conn.rollback()
            _drop(conn, name)
            conn.commit()


def _stage(
    cur: psycopg.Cursor[DictRow],
    scratch: sql.Identifier,
    contract: Contract,
    batch: Mapping[str, Any],
    decision: str,
) -> None:
    """Create the scratch schema with views of ``raw`` and ``ops`` as they would be."""
    cur.execute(sql.SQL("create schema {}").format(scratch))
    partial = contract.scope in PARTIAL
    former = [
        row["batch_id"] for row in cur.execute(_PUBLISHED, {**batch, "partial": partial}).fetchall()
    ]
    superseded = [] if partial else former
    _view_state(cur, scratch, batch, superseded)
    others = cur.execute(
        "select relname from pg_class where relnamespace = 'raw'::regnamespace and relkind = 'p'"
        " and relname <> %s",
        (contract.dataset,),
    ).fetchall()
    for other in others:
        table = sql.Identifier(other["relname"])
        cur.execute(
            sql.SQL("create view {}.{} as select * from raw.{}").format(scratch, table, table)
        )
    cur.execute(sql.SQL("create table {}.outdated (_file integer, _row bigint)").format(scratch))
    if partial and find_outdated(cur, contract, batch).rows:
        cur.execute(
            sql.SQL("insert into {}.outdated select _file, _row from outdated").format(scratch)
        )
    _view_rows(cur, scratch, contract, batch, former, decision)


def _view_state(
    cur: psycopg.Cursor[DictRow],
    scratch: sql.Identifier,
    batch: Mapping[str, Any],
    superseded: Sequence[int],
) -> None:
    names = [row["attname"] for row in cur.execute(_COLUMNS, ("ops.batch",)).fetchall()]
    status = sql.SQL(
        "case when batch_id = {} then 'published' when batch_id = any({}::bigint[])"
        " then 'superseded' else status end as status"
    ).format(sql.Literal(batch["batch_id"]), sql.Literal(list(superseded)))
    columns = [status if name == "status" else sql.Identifier(name) for name in names]
    cur.execute(
        sql.SQL("create view {}.batch as select {} from ops.batch").format(
            scratch, sql.SQL(", ").join(columns)
        )
    )
    cur.execute(sql.SQL("create view {}.pull as select * from ops.pull").format(scratch))


def _view_rows(
    cur: psycopg.Cursor[DictRow],
    scratch: sql.Identifier,
    contract: Contract,
    batch: Mapping[str, Any],
    former: Sequence[int],
    decision: str,
) -> None:
    """The dataset's rows: those that stand beside the batch, and those of the batch that enter."""
    found = cur.execute(_COLUMNS, (f'raw."{contract.dataset}"',)).fetchall()
    names = sql.SQL(", ").join(sql.Identifier("r", row["attname"]) for row in found)
    kept = sql.SQL(_KEPT).format(
        batch=sql.Literal(batch["batch_id"]),
        origin=sql.Literal(batch["origin"]),
        is_replay=sql.Literal(batch["replay_of"] is not None),
        release=sql.Literal(decision == "release"),
        overridable=sql.Literal(overridable(contract)),
        scratch=scratch,
    )
    own = sql.Identifier("raw", f"{contract.dataset}__b{batch['batch_id']}")
    replaced = sql.SQL("r._batch_id = any({}::bigint[])").format(sql.Literal(list(former)))
    enters = kept
    if contract.scope in PARTIAL:
        scope = scope_of(contract, "r")
        cur.execute(
            sql.SQL("create table {}.delivered as select distinct {} as scope from {} r where {}")
            .format(scratch, scope, own, kept)
        )  # fmt: skip
        cur.execute(sql.SQL("analyze {}.delivered").format(scratch))
        replaced = sql.SQL("{} and {} in (select scope from {}.delivered)").format(
            replaced, scope, scratch
        )
        if contract.tombstone is not None:
            enters = sql.SQL(
                "{} and coalesce(lower(edu.clean({})), '') not in ('true', '1', '是')"
            ).format(kept, sql.Identifier("r", contract.tombstone))
    cur.execute(
        sql.SQL(
            "create view {}.{} as select {} from raw.{} r where not ({})"
            " union all select {} from {} r where {}"
        ).format(
            scratch, sql.Identifier(contract.dataset), names,
            sql.Identifier(contract.dataset), replaced, names, own, enters,
        )
    )  # fmt: skip


def _published_manifest(settings: Settings, url: str, folder: Path) -> Mapping[str, Any]:
    """Put the manifest of the production schemas where ``--state`` looks for it; return it."""
    import json

    state = folder / "state" / "manifest.json"
    last = settings.home / "dbt" / "target" / "manifest.json"
    if last.is_file():
        shutil.copyfile(last, state)
    else:  # the warehouse was built from another home
        outcome = transform.run_dbt(settings, url, ["parse"], folder / "parse")
        if error := transform.explain(outcome, settings):
            raise BuildError(error)
        shutil.copyfile(folder / "parse" / "target" / "manifest.json", state)
    manifest: Mapping[str, Any] = json.loads(state.read_bytes())
    return manifest


def _copy_incremental(
    conn: psycopg.Connection[Any], scratch: sql.Identifier, manifest: Mapping[str, Any]
) -> None:
    """Copy what incremental models hold, so that only the batch itself is counted anew."""
    with conn.transaction():
        for node in manifest["nodes"].values():
            if node["resource_type"] != "model" or node["config"]["materialized"] != "incremental":
                continue
            source = sql.Identifier(node["schema"], node["alias"])
            found = conn.execute(
                "select to_regclass(%s) is not null", (f"{node['schema']}.{node['alias']}",)
            ).fetchone()
            if found == (True,):
                conn.execute(
                    sql.SQL("create table {}.{} as select * from {}").format(
                        scratch, sql.Identifier(node["alias"]), source
                    )
                )


def _drop_left(conn: psycopg.Connection[Any]) -> None:
    """Drop the schemas of previews that were killed: only one preview runs at a time."""
    left = conn.execute(
        "select nspname from pg_namespace where starts_with(nspname, %s)", (_PREFIX,)
    ).fetchall()
    for (name,) in left:
        _drop(conn, name)


def _drop(conn: psycopg.Connection[Any], name: str) -> None:
    conn.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(name)))
