"""Relational databases (PostgreSQL, MariaDB, MySQL): all tables of a group, as one moment had them.

The datasets of one ``snapshot_group`` are read in a single read-only transaction and spooled as
``<spool>/<group>/<snapshot>/<dataset>.csv``; each dataset of the group then lands its file when it
is ingested. Only when a dataset has landed the newest snapshot already is another one taken.

Equal rows give equal bytes, whichever server they come from: UTF-8, NULL is empty, an empty text
is ``""``, dates are ISO, numbers exact, booleans true or false, points in time are Beijing time,
rows are in the order of the primary key (by code point) or, without one, of all columns. A NUL
character, which PostgreSQL cannot hold, becomes U+FFFD. Anything else is what the source shows,
be it ``0000-00-00``: judging it is for the rules.

The account needs SELECT on the tables and nothing else; the transaction is read-only all the same.
``connection.extra``: what begins with ``ssl`` goes to the driver; ``connect_timeout`` (seconds,
10) and ``statement_timeout`` (seconds for one table, 1800).
"""

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import psycopg
import pymysql
import sqlalchemy as sa
from psycopg import sql
from pymysql.converters import encoders
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.exc import DBAPIError, NoSuchTableError, SQLAlchemyError
from sqlalchemy.sql.elements import quoted_name

from eduplan import warehouse
from eduplan.connections import Connection
from eduplan.contract import FULL_PERIOD, Contract
from eduplan.errors import SourceError
from eduplan.extract.discover import Delivery, content_hash
from eduplan.extract.fields import at_source, unknown_columns

_DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
}
_PORTS = {"postgresql+psycopg": 5432, "mysql+pymysql": 3306}
_ROWS = 10_000
_LASTING = frozenset({1044, 1045, 1049, 1142, 1143, 1698, 1969, 3024})
"""MySQL's refusals of a login or a right, MariaDB's and MySQL's timeout of a statement."""
_ODD = re.compile('["\r\n]')


@dataclass(frozen=True)
class _Table:
    """One dataset's table as found at the source: what to select, in which order."""

    contract: Contract
    select: sa.Select[Any]
    count: sa.Select[Any]
    unknown: list[str]


@dataclass(frozen=True)
class _Copied:
    """One spooled file: rows in it, rows the source counted, bytes, and columns not in it."""

    rows: int
    live: int
    size: int
    unknown: list[str]


def pull(
    conn: psycopg.Connection[Any],
    contract: Contract,
    together: Sequence[Contract],
    connection: Connection,
    spool_dir: Path,
) -> list[Delivery]:
    """Return the newest snapshot's file of ``contract`` that was not landed yet.

    ``together`` are all contracts of its snapshot group, itself included; ``conn`` is the
    warehouse (an open transaction is committed first). Raises SourceError when the source cannot
    be reached, lacks a table or column, breaks off, or gives other than the rows it counts;
    nothing of a broken snapshot is kept.
    """
    group = str(contract.source.options.get("snapshot_group") or contract.dataset)
    strangers = sorted({str(c.source.connection) for c in together} - {connection.conn_id})
    if strangers:
        raise SourceError(
            f"snapshot group {group} is spread over the connections {connection.conn_id},"
            f" {', '.join(strangers)}",
            hint="one snapshot is of one database: name one connection in all contracts of a group",
        )
    names = sorted(other.dataset for other in together)
    conn.commit()
    # A snapshot may take longer than one transaction may.
    with warehouse.session_lock(conn, f"eduplan.pull:{group}"):
        _sweep(conn, names, spool_dir, group)
        found = _waiting(conn, contract.dataset, spool_dir)
        if found is None:
            _take(conn, together, connection, spool_dir, group)
            found = _waiting(conn, contract.dataset, spool_dir)
    if found is None:
        raise SourceError(
            f"{contract.dataset}: the snapshot vanished from {spool_dir}", hint="run it again"
        )
    pull_id, path = found
    return [
        Delivery(contract.dataset, FULL_PERIOD, (path,), content_hash([path]), path.parent, pull_id)
    ]


# -- the group's state in the warehouse ----------------------------------------------------------


def _sweep(
    conn: psycopg.Connection[Any], names: Sequence[str], spool_dir: Path, group: str
) -> None:
    """Close readings that a killed process left and remove files that nobody waits for."""
    with conn.transaction():
        conn.execute(
            "update ops.pull set status = 'failed', error = 'interrupted',"
            " finished_at = clock_timestamp()"
            " where dataset = any(%s) and kind = 'database' and status = 'running'",
            (names,),
        )
        waiting = {
            row[0]
            for row in conn.execute(
                "select spool from ops.pull where dataset = any(%s) and kind = 'database'"
                " and status = 'complete'",
                (names,),
            )
        }
    folder = spool_dir / group
    for snapshot in sorted(folder.iterdir()) if folder.is_dir() else ():
        if snapshot.name.startswith("."):
            shutil.rmtree(snapshot, ignore_errors=True)
            continue
        for file in list(snapshot.iterdir()):
            if str(file.relative_to(spool_dir)) not in waiting:
                file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # others still wait for theirs
            snapshot.rmdir()


def _waiting(
    conn: psycopg.Connection[Any], dataset: str, spool_dir: Path
) -> tuple[int, Path] | None:
    """Return the reading that ``dataset`` has not landed, unless its file is gone or cut."""
    with conn.transaction():
        row = conn.execute(
            "select pull_id, spool, spool_bytes from ops.pull"
            " where dataset = %s and kind = 'database' and status = 'complete'",
            (dataset,),
        ).fetchone()
    if row is None:
        return None
    path = spool_dir / row[1]
    if path.is_file() and path.stat().st_size == row[2]:
        return row[0], path
    return None


def _take(
    conn: psycopg.Connection[Any],
    together: Sequence[Contract],
    connection: Connection,
    spool_dir: Path,
    group: str,
) -> None:
    """Read every table of the group in one snapshot; all files appear at once or none does."""
    snapshot = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    ids = _announce(conn, together, snapshot, group)
    partial = spool_dir / group / f".{snapshot}"
    try:
        partial.mkdir(mode=0o700, parents=True)
        copied = _read(connection, together, partial)
        partial.rename(partial.with_name(snapshot))
        with conn.transaction():
            for dataset, done in copied.items():
                conn.execute(
                    "update ops.pull set status = 'complete', record_count = %s,"
                    " announced_count = %s, live_count = %s, spool_bytes = %s, unknown_fields = %s"
                    " where pull_id = %s",
                    (
                        done.rows,
                        done.live,
                        done.live,
                        done.size,
                        done.unknown,
                        ids[dataset],
                    ),
                )
    except BaseException as error:
        shutil.rmtree(partial, ignore_errors=True)
        if not conn.broken:
            conn.rollback()
            with conn.transaction():
                conn.execute(
                    "update ops.pull set status = 'failed', error = %s,"
                    " finished_at = clock_timestamp() where pull_id = any(%s)",
                    (
                        str(error) if isinstance(error, SourceError) else type(error).__name__,
                        list(ids.values()),
                    ),
                )
        raise


def _announce(
    conn: psycopg.Connection[Any], together: Sequence[Contract], snapshot: str, group: str
) -> dict[str, int]:
    """Note the readings that begin; older ones that never landed give way to them."""
    ids = {}
    with conn.transaction():
        conn.execute(
            "update ops.pull set status = 'failed', error = %s, finished_at = clock_timestamp()"
            " where dataset = any(%s) and kind = 'database' and status = 'complete'",
            (f"superseded by snapshot {snapshot}", [c.dataset for c in together]),
        )
        for contract in together:
            row = conn.execute(
                "insert into ops.pull (dataset, kind, status, is_full, snapshot, spool)"
                " values (%s, 'database', 'running', true, %s, %s) returning pull_id",
                (contract.dataset, snapshot, f"{group}/{snapshot}/{contract.dataset}.csv"),
            ).fetchone()
            ids[contract.dataset] = row[0] if row else 0
    return ids


# -- the source ----------------------------------------------------------------------------------


def _read(connection: Connection, together: Sequence[Contract], folder: Path) -> dict[str, _Copied]:
    """Copy the group's tables to ``folder`` in one read-only snapshot of the source."""
    engine = _engine(connection)
    where = f"{connection.conn_id} ({connection.host}/{connection.schema})"
    copied = {}
    try:
        with _snapshot(engine, connection) as source:
            tables = [_table(source, contract, where) for contract in together]
            for table in tables:
                copied[table.contract.dataset] = _copy(source, table, folder)
    except (SQLAlchemyError, psycopg.Error, pymysql.Error) as error:
        raise SourceError(
            f"{where}：读取数据库失败。 Reading the database failed: {_what(error)}",
            hint="请检查网络、账号权限和超时设置后重试；数据没有变化"
            " / check network, account and timeouts, then run it again; nothing was changed",
            transient=_may_pass(error),
        ) from None
    finally:
        engine.dispose()
    for contract in together:
        done = copied[contract.dataset]
        if done.rows != done.live:
            raise SourceError(
                f"{contract.dataset}：{where} 有 {done.live} 行，只读到 {done.rows} 行。"
                f" The source counts {done.live} rows and gave {done.rows}.",
                hint="请重试 / run it again",
            )
    return copied


def _engine(connection: Connection) -> sa.Engine:
    driver = _DRIVERS.get(connection.conn_type)
    if driver is None:
        raise SourceError(
            f"connection {connection.conn_id!r} has type {connection.conn_type!r}, which is no"
            " database",
            hint=f"use one of {', '.join(sorted(_DRIVERS))}",
        )
    arguments: dict[str, Any] = {
        "connect_timeout": int(connection.extra.get("connect_timeout") or 10)
    }
    tls: dict[str, Any] = {k: str(v) for k, v in connection.extra.items() if k.startswith("ssl")}
    if driver == "mysql+pymysql":
        # Without decoders every value stays the text that the server sent.
        arguments |= {"charset": "utf8mb4", "conv": encoders}
        # The server's own limit comes first: it says why.
        arguments |= {"read_timeout": _timeout(connection) + 5}
        # Who names an authority means to know whom he talks to.
        arguments |= {"ssl_verify_identity": True} if "ssl_ca" in tls else {}
        tls = {
            k: v.lower() == "true" if v.lower() in ("true", "false") else v for k, v in tls.items()
        }
    else:
        arguments |= {"application_name": "eduplan", "keepalives_idle": 30}
    url = sa.URL.create(
        driver,
        connection.login or None,
        connection.password or None,
        connection.host or None,
        connection.port or _PORTS[driver],
        connection.schema or None,
    )
    return sa.create_engine(
        url, poolclass=sa.NullPool, hide_parameters=True, connect_args=arguments | tls
    )


def _timeout(connection: Connection) -> int:
    return int(connection.extra.get("statement_timeout") or 1800)


@contextlib.contextmanager
def _snapshot(engine: sa.Engine, connection: Connection) -> Iterator[sa.Connection]:
    """Open one read-only transaction that sees the database as it is now, whatever is committed."""
    seconds = _timeout(connection)
    if engine.dialect.name == "postgresql":
        with engine.connect() as source:
            source = source.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            for name, value in (
                ("timezone", "Asia/Shanghai"),
                ("datestyle", "ISO"),
                ("intervalstyle", "iso_8601"),
                ("bytea_output", "hex"),
                ("statement_timeout", f"{seconds}s"),
            ):
                source.execute(sa.select(sa.func.set_config(name, value, True)))
            yield source
            source.rollback()
        return
    with engine.connect() as source:
        source = source.execution_options(isolation_level="AUTOCOMMIT")
        source.exec_driver_sql("set session time_zone = '+08:00'")
        if getattr(engine.dialect, "is_mariadb", False):
            source.exec_driver_sql("set session max_statement_time = %s", (seconds,))
        else:
            source.exec_driver_sql("set session max_execution_time = %s", (seconds * 1000,))
        source.exec_driver_sql("set session transaction isolation level repeatable read")
        source.exec_driver_sql("start transaction with consistent snapshot, read only")
        yield source
        source.exec_driver_sql("rollback")


def _table(source: sa.Connection, contract: Contract, where: str) -> _Table:
    """Look the table of ``contract`` up; SourceError names what it lacks."""
    full = str(contract.source.options["table"])
    schema, _, name = full.rpartition(".")
    dialect = source.dialect.name
    look_up = _look_up_postgresql if dialect == "postgresql" else _look_up_mysql
    types, key, engine = look_up(source, schema or None, name)
    if not types:
        raise SourceError(
            f"{contract.dataset}：{where} 中没有表「{full}」，或账号无权读取。"
            f" There is no table {full}, or the account may not read it.",
            hint=f"请建立该表或授予 SELECT 权限；契约 {contract.path.name} 要求它"
            " / create it or grant SELECT; the contract reads it",
        )
    wanted = {c.name: at_source(c) for c in contract.columns}
    missing = sorted(set(wanted.values()) - set(types))
    if missing:
        raise SourceError(
            f"{contract.dataset}：{where} 的表「{full}」缺少列：{'、'.join(missing)}。"
            f" Table {full} lacks the columns {', '.join(missing)}."
            f" It has: {', '.join(sorted(types))}.",
            hint=f"请恢复这些列，或在契约 {contract.path.name} 的 aliases 中改为现在的列名"
            " / restore them, or write their present names as aliases in the contract",
        )
    if engine and engine.lower() not in ("innodb", "rocksdb"):
        raise SourceError(
            f"{contract.dataset}：表「{full}」的存储引擎 {engine} 不支持一致性快照。"
            f" Table {full} has engine {engine}, which knows no snapshots.",
            hint="请改用 InnoDB / ALTER TABLE … ENGINE=InnoDB",
        )
    table = sa.table(
        quoted_name(name, True),
        *(sa.column(quoted_name(column, True), type_) for column, type_ in types.items()),
        schema=quoted_name(schema, True) if schema else None,
    )
    ordered = [table.c[column] for column in key or wanted.values()]
    return _Table(
        contract,
        sa.select(*(_shown(table.c[at], dialect).label(n) for n, at in wanted.items())).order_by(
            *(_order(column, dialect) for column in ordered)
        ),
        sa.select(sa.func.count()).select_from(table),
        unknown_columns(contract, types),
    )


def _look_up_postgresql(
    source: sa.Connection, schema: str | None, name: str
) -> tuple[dict[str, sa.types.TypeEngine[Any]], list[str], str | None]:
    """Return column types, primary key and storage engine (none to tell) of a table or view."""
    inspector = sa.inspect(source)
    try:
        types = {c["name"]: c["type"] for c in inspector.get_columns(name, schema)}
    except NoSuchTableError:
        return {}, [], None
    return types, inspector.get_pk_constraint(name, schema)["constrained_columns"], None


def _look_up_mysql(
    source: sa.Connection, schema: str | None, name: str
) -> tuple[dict[str, sa.types.TypeEngine[Any]], list[str], str | None]:
    """Do the same where SELECT suffices: SQLAlchemy would want SHOW VIEW for a view."""

    def of_table(view: str, *columns: str, order: str) -> list[tuple[Any, ...]]:
        found = sa.table(
            view,
            *map(sa.column, (*columns, "table_schema", "table_name", order)),
            schema="information_schema",
        )
        here = schema if schema is not None else sa.func.database()
        rows = source.execute(
            sa.select(*(found.c[column] for column in columns))
            .where(found.c.table_schema == here, found.c.table_name == name)
            .order_by(found.c[order])
        )
        return [tuple(row) for row in rows]

    types: dict[str, sa.types.TypeEngine[Any]] = {}
    for column, data_type, column_type, precision in of_table(
        "columns", "column_name", "data_type", "column_type", "datetime_precision",
        order="ordinal_position",
    ):  # fmt: skip
        if data_type.endswith(("char", "text")) or data_type in ("enum", "set"):
            types[column] = sa.String()
        elif column_type == "tinyint(1)":
            types[column] = sa.Boolean()
        elif int(precision or 0):
            types[column] = mysql.DATETIME(fsp=int(precision))
        else:
            types[column] = sa.types.NullType()
    key = [
        column
        for column, index in of_table(
            "statistics", "column_name", "index_name", order="seq_in_index"
        )
        if index == "PRIMARY"
    ]
    engines = of_table("tables", "engine", order="table_rows")
    return types, key, engines[0][0] if engines else None


def _shown(column: sa.ColumnElement[Any], dialect: str) -> sa.ColumnElement[Any]:
    """Return what to select so that both servers show a value of ``column`` by the same text."""
    type_ = column.type
    if dialect == "postgresql":
        if isinstance(type_, sa.Boolean | sa.CHAR):
            return sa.cast(column, sa.Text)
        if isinstance(type_, sa.DateTime) and type_.timezone:
            return sa.cast(column, postgresql.TIMESTAMP(timezone=False))
        return column
    if isinstance(type_, sa.Boolean):
        number = sa.cast(column, sa.CHAR)
        return sa.case((number == "0", "false"), (number == "1", "true"), else_=number)
    if getattr(type_, "fsp", None):
        return sa.func.regexp_replace(sa.cast(column, sa.CHAR), r"\.?0+$", "")
    return column


def _order(column: sa.ColumnElement[Any], dialect: str) -> sa.ColumnElement[Any]:
    """Return what sorts ``column``: text by code point, which no locale or upgrade changes."""
    if not isinstance(column.type, sa.String):
        return column
    if dialect == "postgresql":
        return sa.collate(sa.cast(column, sa.Text), "C")
    return sa.collate(sa.cast(column, mysql.CHAR(charset="utf8mb4")), "utf8mb4_bin")


def _copy(source: sa.Connection, table: _Table, folder: Path) -> _Copied:
    """Write one table to ``<dataset>.csv``, never holding more than a block of rows."""
    live = int(source.execute(table.count).scalar_one())
    path = folder / f"{table.contract.dataset}.csv"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as out:
        out.write((",".join(c.name for c in table.contract.columns) + "\n").encode())
        write = _copy_postgresql if source.dialect.name == "postgresql" else _copy_mysql
        rows = write(source, table.select, out)
        out.flush()
        os.fsync(fd)
        size = out.tell()
    return _Copied(rows, live, size, table.unknown)


def _copy_postgresql(source: sa.Connection, select: sa.Select[Any], out: IO[bytes]) -> int:
    """Let the server write the CSV."""
    # The dialect with named parameters leaves a % in an identifier alone.
    query = select.compile(
        dialect=postgresql.dialect(paramstyle="named"),  # type: ignore[no-untyped-call]
        compile_kwargs={"literal_binds": True},
    )
    statement = sql.SQL("copy ({}) to stdout with (format csv, encoding 'UTF8')").format(
        sql.SQL(str(query))  # made by SQLAlchemy from quoted names only
    )
    driver: psycopg.Connection[Any] = source.connection.driver_connection  # type: ignore[assignment]
    with driver.cursor() as cursor:
        with cursor.copy(statement) as copy:
            for block in copy:
                out.write(block)
        return cursor.rowcount


def _copy_mysql(source: sa.Connection, select: sa.Select[Any], out: IO[bytes]) -> int:
    """Write the CSV as PostgreSQL would, from a cursor on the server's side."""
    rows = 0
    # yield_per would keep every row in memory: stream_results with a bounded buffer does not.
    streaming = source.execution_options(stream_results=True, max_row_buffer=_ROWS)
    with streaming.execute(select) as result:
        for part in result.partitions(_ROWS):
            rows += len(part)
            text = "\n".join(map(_line, part)) + "\n"
            out.write(text.replace("\0", "\ufffd").encode())
    return rows


def _line(row: Sequence[str | bytes | None]) -> str:
    cells = ["" if cell is None else cell for cell in row]
    try:
        line = ",".join(cells)  # type: ignore[arg-type]
    except TypeError:  # a binary column
        line = '"'
    if line.count(",") == len(cells) - 1 and "" not in row and not _ODD.search(line):
        return line
    return ",".join(map(_cell, row))


def _cell(value: str | bytes | None) -> str:
    if value is None:
        return ""
    text = "\\x" + value.hex() if isinstance(value, bytes) else value
    if not text or "," in text or _ODD.search(text):
        return '"' + text.replace('"', '""') + '"'
    return text


def _may_pass(error: Exception) -> bool:
    """Tell whether waiting may help: a server that is away, not one that refuses or is too slow."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    if isinstance(cause, pymysql.err.OperationalError):
        return bool(cause.args) and cause.args[0] not in _LASTING
    return isinstance(cause, psycopg.OperationalError) and not isinstance(
        cause, psycopg.errors.QueryCanceled
    )


def _what(error: Exception) -> str:
    """Say what went wrong without a value: only messages about the connection are quoted."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    name = type(cause).__name__
    if isinstance(cause, psycopg.OperationalError | pymysql.err.OperationalError):
        return f"{name}: {str(cause).strip().splitlines()[0]}" if str(cause).strip() else name
    code = getattr(cause, "sqlstate", None) or (cause.args[:1] if cause.args else "")
    return f"{name} {code[0] if isinstance(code, tuple) else code}".strip()
