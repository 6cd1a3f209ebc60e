"""Run dbt on what is published and keep the record of the run. The only importer of dbt.

One in-process dbt invocation builds seeds, models and tests. Its connection comes from environment
variables set for the time of the run; nothing secret is written to disk. Artefacts and logs go to
``<home>/dbt``.
"""

import contextlib
import datetime as dt
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

from eduplan import dbt_docs, warehouse
from eduplan.contract import load_contracts
from eduplan.errors import BuildError
from eduplan.lineage import events
from eduplan.postgres import ensure_database
from eduplan.quality import registry, windows
from eduplan.quality.clock import fixed_day
from eduplan.settings import Settings

BUILD_LOCK = 4_504_002
"""Advisory lock: exclusive for a build, shared for who reads a state that none may change."""
_SOURCE_SUFFIXES = {".sql", ".yml", ".yaml", ".csv", ".md"}
_THREADS = 2


@dataclass(frozen=True)
class NodeResult:
    """One seed, model or test of a build."""

    node_id: str
    resource_type: str
    status: str
    seconds: float
    rows_affected: int | None
    failures: int | None
    message: str
    path: str
    """Compiled SQL, empty when there is none."""

    @property
    def failed(self) -> bool:
        """Tell whether the node stopped the build."""
        return self.status in {"error", "fail", "runtime error"}


@dataclass(frozen=True)
class BuildResult:
    """What a build did. ``status``: ``success``, or ``skipped`` when nothing had changed."""

    status: str
    build_id: int | None
    fingerprint: str
    seconds: float
    nodes: tuple[NodeResult, ...] = ()

    def __str__(self) -> str:
        """Return one paragraph for a terminal or a task log: counts and the slowest nodes."""
        if self.status == "skipped":
            return f"nothing was published since build {self.build_id}: nothing to build"
        kinds: dict[str, int] = {}
        for node in self.nodes:
            kinds[node.resource_type] = kinds.get(node.resource_type, 0) + 1
        counts = ", ".join(f"{count} {kind}s" for kind, count in sorted(kinds.items()))
        slowest = sorted(self.nodes, key=lambda node: -node.seconds)[:5]
        lines = [f"build {self.build_id}: {counts} in {self.seconds:.1f} s; slowest:"]
        lines += [f"  {node.seconds:6.2f} s  {node.node_id}" for node in slowest]
        return "\n".join(lines)


def build(
    settings: Settings,
    *,
    full_refresh: bool = False,
    select: str | None = None,
    parent: events.Parent | None = None,
) -> BuildResult:
    """Build the warehouse from the published batches; skip when nothing changed.

    The build is skipped when the published batches and the dbt project are those of the last good
    build. A changed project rebuilds incremental models in full. ``select`` (dbt syntax) builds a
    part and always runs. Two builds never run at once: the second waits. ``parent`` is the run that
    OpenLineage is told to have started it.

    Raises BuildError naming each model or test that failed and its compiled SQL.
    """
    url = ensure_database(settings)
    with warehouse.connect(url, autocommit=True) as conn:
        conn.execute("select pg_advisory_lock(%s)", (BUILD_LOCK,))
        contracts = load_contracts(settings.expectations_dir)
        windows.record(conn, contracts)
        for contract in contracts.values():
            registry.record(conn, contract)
        code, data = code_fingerprint(settings), _data_fingerprint(conn)
        fingerprint = f"{code}-{data}"
        good, since = _history(conn)
        same = all(later == fingerprint for later in since)
        if good and good[1] == fingerprint and same and not full_refresh and select is None:
            return BuildResult("skipped", good[0], fingerprint, 0.0)
        if good and not all(tried.startswith(code) for tried in (good[1], *since)):
            full_refresh = True
        arguments = ["build", "--exclude-resource-type", "unit_test"]
        arguments += ["--full-refresh"] if full_refresh else []
        arguments += ["--select", select] if select else []
        if select:
            fingerprint += f":{select}"
        started, clock = dt.datetime.now(dt.UTC), time.monotonic()
        outcome = run_dbt(settings, url, arguments)
        seconds = time.monotonic() - clock
        error = explain(outcome, settings)
        _drop_unread(conn)
        build_id = _record(conn, outcome, fingerprint, started, error)
    with connection(url):
        done = events.Build(
            artefacts=settings.home / "dbt" / "target",
            started=started,
            success=outcome.success,
            version=code,
            invocation_id=outcome.invocation_id,
        )
        events.emit_build(settings, done, parent)
    if error:
        raise BuildError(
            error,
            hint="run the compiled SQL to see the rows; the log is"
            f" {settings.home / 'dbt' / 'logs' / 'dbt.log'}",
        )
    return BuildResult("success", build_id, fingerprint, seconds, outcome.nodes)


def _drop_unread(conn: psycopg.Connection) -> None:
    """Drop the old tables that the views of schema ``bi`` do not read any more.

    One that somebody is still reading stays for the next build.
    """
    statement = (resources.files("eduplan") / "sql" / "build" / "unread.sql").read_bytes()
    for kind, name in conn.execute(statement).fetchall():
        with contextlib.suppress(errors.LockNotAvailable), conn.transaction():
            conn.execute("set local lock_timeout = '2s'")
            conn.execute(
                sql.SQL("drop {} if exists retired.{} cascade").format(
                    sql.SQL(kind), sql.Identifier(name)
                )
            )


def _history(conn: psycopg.Connection) -> tuple[tuple[int, str] | None, list[str]]:
    """Return the last good whole build (id, fingerprint), and what was tried after it.

    A build that failed or built a part has left tables of its own state behind: going back to the
    last good state is then a change like any other. A failed one compares as ``…!``.
    """
    good: tuple[int, str] | None = conn.execute(
        "select build_id, fingerprint from ops.build where status = 'success'"
        " and strpos(fingerprint, ':') = 0 order by build_id desc limit 1"
    ).fetchone()
    since = conn.execute(
        "select split_part(fingerprint, ':', 1) || case status when 'success' then '' else '!' end"
        " from ops.build where build_id > %s order by build_id",
        (good[0] if good else 0,),
    ).fetchall()
    return good, [row[0] for row in since]


@dataclass(frozen=True)
class DbtOutcome:
    """Raw outcome of one dbt command."""

    success: bool
    invocation_id: str
    nodes: tuple[NodeResult, ...]
    exception: str


def run_dbt(
    settings: Settings,
    url: str,
    arguments: Sequence[str],
    folder: Path | None = None,
    variables: Mapping[str, Any] | None = None,
) -> DbtOutcome:
    """Run one dbt command in this process against the database at ``url``.

    Artefacts and logs go to ``folder``, default ``<home>/dbt``; ``variables`` are the project's,
    beside those that come from the settings.
    """
    folder = folder or settings.home / "dbt"
    folder.mkdir(parents=True, exist_ok=True)
    with connection(url):
        # Imported late: dbt costs seconds, and its flags are read from the environment.
        from dbt.cli.main import dbtRunner
        from dbt_common.invocation import get_invocation_id

        result = dbtRunner().invoke(
            [
                *arguments,
                *("--project-dir", str(settings.dbt_dir), "--profiles-dir", str(settings.dbt_dir)),
                *("--target-path", str(folder / "target"), "--log-path", str(folder / "logs")),
                *("--vars", _variables(settings, variables)),
                *("--threads", str(_THREADS), "--log-level", "warn", "--log-level-file", "info"),
                *("--no-use-colors", "--no-version-check"),
            ]
        )
    runs = getattr(result.result, "results", None) or []
    nodes = tuple(_node(run) for run in runs if hasattr(run, "node"))
    return DbtOutcome(
        success=bool(result.success),
        invocation_id=str(get_invocation_id()),
        nodes=nodes,
        exception="" if result.exception is None else str(result.exception),
    )


def write_docs(settings: Settings) -> Path:
    """Write dbt's documentation of the project as one page that works offline; return its path.

    Sources are described by their contracts. What dbt knows of this machine and its users (paths,
    owners of tables, ids of runs) is left out. Raises BuildError when the project does not compile.
    """
    url = ensure_database(settings)
    folder = settings.home / "dbt" / "docs"
    outcome = run_dbt(settings, url, ["docs", "generate"], folder)
    if not outcome.success:
        raise BuildError(explain(outcome, settings))
    target = folder / "target"
    manifest, catalog = (
        json.loads((target / f"{name}.json").read_text("utf-8")) for name in ("manifest", "catalog")
    )
    dbt_docs.describe_sources(manifest, load_contracts(settings.expectations_dir))
    page = dbt_docs.render((target / "index.html").read_text("utf-8"), manifest, catalog)
    path = settings.dbt_docs_dir / "index.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(page, encoding="utf-8")
    temporary.replace(path)
    return path


def _node(run: Any) -> NodeResult:
    response = run.adapter_response if isinstance(run.adapter_response, Mapping) else {}
    rows = response.get("rows_affected")
    return NodeResult(
        node_id=str(run.node.unique_id),
        resource_type=str(getattr(run.node.resource_type, "value", run.node.resource_type)),
        status=str(getattr(run.status, "value", run.status)),
        seconds=float(run.execution_time or 0),
        rows_affected=int(rows) if isinstance(rows, int) and rows >= 0 else None,
        failures=int(run.failures) if run.failures is not None else None,
        message=str(run.message or ""),
        path=str(getattr(run.node, "compiled_path", None) or ""),
    )


def _connection_variables(url: str) -> dict[str, str]:
    info = conninfo_to_dict(url)
    return {
        "EDUPLAN_DBT_HOST": str(info.get("host") or "127.0.0.1"),
        "EDUPLAN_DBT_PORT": str(info.get("port") or "5432"),
        "EDUPLAN_DBT_USER": str(info.get("user") or ""),
        "EDUPLAN_DBT_DBNAME": str(info.get("dbname") or ""),
        "EDUPLAN_DBT_SSLMODE": str(info.get("sslmode") or "prefer"),
        # dbt scrubs variables with this prefix from its logs and artefacts.
        "DBT_ENV_SECRET_EDUPLAN_PASSWORD": str(info.get("password") or ""),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }


@contextlib.contextmanager
def connection(url: str) -> Iterator[None]:
    """Put the connection that the project's profile reads into the environment for a while."""
    variables = _connection_variables(url)
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _variables(settings: Settings, more: Mapping[str, Any] | None = None) -> str:
    """Return what the project is told beyond its own files, as JSON for dbt's ``--vars``."""
    day = fixed_day(settings)
    return json.dumps(
        {
            "suppression_threshold": settings.suppression_threshold,
            # Where the day goes with the clock, the views ask the clock: nothing to build anew.
            "today": day.isoformat() if day else "",
            **(more or {}),
        }
    )


def code_fingerprint(settings: Settings) -> str:
    """Return the hash of all that decides on a build beside the data: project, variables, dbt."""
    folder = settings.dbt_dir
    digest = hashlib.sha256(metadata.version("dbt-core").encode())
    digest.update(_variables(settings).encode())
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.suffix in _SOURCE_SUFFIXES and parts[0] not in {"target", "logs", "dbt_packages"}:
            digest.update("/".join(parts).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _data_fingerprint(conn: psycopg.Connection) -> str:
    ids = conn.execute(
        "select coalesce(string_agg(batch_id::text, ',' order by batch_id), '')"
        " from ops.batch where status = 'published'"
    ).fetchone()
    return hashlib.sha256(str(ids).encode()).hexdigest()[:16]


def explain(outcome: DbtOutcome, settings: Settings) -> str:
    """Say which model or test failed, why, and where its SQL is; empty when all is well."""
    if outcome.success:
        return ""
    lines = []
    for node in outcome.nodes:
        if not node.failed:
            continue
        kind, name = node.resource_type, node.node_id.split(".")[2]
        reason = " ".join(node.message.split())[:500]
        where = f" Compiled SQL: {_absolute(node.path, settings)}" if node.path else ""
        lines.append(f"{kind} {name}: {reason}{where}")
    if not lines:
        lines.append(outcome.exception or "dbt stopped without a result")
    return "the warehouse was not built:\n" + "\n".join(lines)


def _absolute(path: str, settings: Settings) -> str:
    found = Path(path)
    return str(found if found.is_absolute() else settings.dbt_dir / found)


def _record(
    conn: psycopg.Connection,
    outcome: DbtOutcome,
    fingerprint: str,
    started: dt.datetime,
    error: str,
) -> int:
    """Store the build and all its nodes (one COPY) in one transaction; return its id."""
    with conn.transaction(), conn.cursor() as cur:
        cur.execute(
            "insert into ops.build (invocation_id, fingerprint, status, started_at, finished_at,"
            " node_count, error) values (%s, %s, %s, %s, clock_timestamp(), %s, %s)"
            " returning build_id",
            (
                outcome.invocation_id,
                fingerprint,
                "success" if outcome.success else "failed",
                started,
                len(outcome.nodes),
                error or None,
            ),
        )
        row = cur.fetchone()
        if row is None:
            raise BuildError("the build was not recorded: ops.build returned no row")
        build_id = int(row[0])
        with cur.copy(
            "copy ops.build_node (build_id, node_id, resource_type, status, seconds,"
            " rows_affected, failures, message) from stdin"
        ) as copy:
            for node in outcome.nodes:
                copy.write_row(
                    (
                        build_id,
                        node.node_id,
                        node.resource_type,
                        node.status,
                        node.seconds,
                        node.rows_affected,
                        node.failures,
                        node.message[:2000] or None,
                    )
                )
    return build_id
