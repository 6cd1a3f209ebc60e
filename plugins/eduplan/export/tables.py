"""Views as CSV and Parquet files, each row as the server says it.

The server writes CSV (``COPY``), row by row; Parquet is made of the same stream, some thousand
rows at a time. Rows are ordered by their key, so that the same warehouse gives the same bytes.
"""

import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from eduplan.export.arrow import DescribedSchema
from eduplan.export.folder import export_folder
from eduplan.export.metadata import csv_properties, resource, table_schema, write_manifest
from eduplan.export.snapshot import SCHEMA, Snapshot
from eduplan.export.views import Column, View, read_catalog

_BATCH = 20_000
"""Rows in memory at once."""
_ROW_GROUP = 100_000
_BOM = b"\xef\xbb\xbf"
# A spreadsheet takes a cell that begins so for a formula; the full-width ones are those of IMEs.
_FORMULA = "^'*[-=+@\t\r\n＝＋－＠]"
_FIRST = [ord(mark) for mark in "'-=+@\t\r\n＝＋－＠"]
_TEXT = frozenset({"text", "character varying", "character"})
_NUMBERS = frozenset({"smallint", "integer", "bigint", "numeric", "real", "double precision"})


class Form(StrEnum):
    """Format of a table file."""

    csv = "csv"
    parquet = "parquet"


@dataclass(frozen=True)
class Filters:
    """Which rows: ``region`` and ``plan`` are codes, ``period`` as the warehouse writes it."""

    region: str | None = None
    period: str | None = None
    plan: str | None = None

    def applied(self, view: View) -> dict[str, tuple[int, str]]:
        """Return what of this the view has: name, position of the column and value.

        A region stands for its county: rows of its schools are rows of it.
        """
        columns = {
            "region": (view.at("county_code", "region_code"), self.region),
            "period": (view.at("period"), self.period),
            "plan": (view.at("plan_version"), self.plan),
        }
        return {
            name: (position, value)
            for name, (position, value) in columns.items()
            if position is not None and value is not None
        }


@dataclass(frozen=True)
class TableFile:
    """A file that was written."""

    view: View
    path: Path
    rows: int


def export_tables(
    snap: Snapshot,
    project_dir: Path,
    target: Path,
    names: Sequence[str],
    form: Form,
    filters: Filters,
    *,
    bom: bool = False,
) -> list[TableFile]:
    """Write the views called ``names`` (none: all) to the folder ``target``; return the files.

    ``bom`` puts a byte order mark before a CSV, by which Excel knows UTF-8. Memory stays bounded
    whatever the number of rows. Raises EduplanError for a view that is not there.
    """
    catalog = read_catalog(snap, project_dir)
    chosen = catalog.chosen(names)
    with export_folder(target) as folder:
        files = [write_table(snap, view, folder, form, filters, bom=bom) for view in chosen]
        write_manifest(
            folder,
            snap,
            name="eduplan-tables",
            title="教育方案监测数据",
            version=chosen[0].version,
            plans=snap.plans(filters.plan),
            filters={name: value for name, value in asdict(filters).items() if value},
            resources=[_described(file, form, filters, bom) for file in files],
        )
    return [replace(file, path=target / file.path.name) for file in files]


def write_table(
    snap: Snapshot, view: View, folder: Path, form: Form, filters: Filters, *, bom: bool = False
) -> TableFile:
    """Write the rows of ``view`` that pass ``filters`` into ``folder``."""
    path = folder / f"{view.name}.{form.value}"
    applied = filters.applied(view)
    if form is Form.csv:
        return TableFile(view, path, _write_csv(snap.conn, view, path, applied, bom))
    return TableFile(view, path, _write_parquet(snap, view, path, applied, filters.plan))


def _described(file: TableFile, form: Form, filters: Filters, bom: bool) -> dict[str, Any]:
    view = file.view
    chinese = view.name != view.code
    kind = "text/csv" if form is Form.csv else "application/vnd.apache.parquet"
    return resource(
        file.path,
        f"{view.code}.zh" if chinese else view.code,
        view.title,
        kind,
        rows=file.rows,
        description=view.description,
        **(csv_properties(bom) if form is Form.csv else {}),
        schema=table_schema(view, empty_is_missing=form is Form.csv),
        **{"eduplan:filters": {name: value for name, (_, value) in filters.applied(view).items()}},
    )


def _write_csv(
    conn: psycopg.Connection[Any],
    view: View,
    path: Path,
    applied: dict[str, tuple[int, str]],
    bom: bool,
) -> int:
    """Return the number of rows."""
    count = -1
    query = _query(view, applied, [_csv_value(column) for column in view.columns])
    statement = sql.SQL("copy ({}) to stdout (format csv, header)").format(query)
    with path.open("wb") as out, closing(_copied(conn, statement)) as lines:
        if bom:
            out.write(_BOM)
        while batch := list(islice(lines, _BATCH)):
            out.write(_lines(batch))
            count += len(batch)
    return count


def _lines(batch: list[Any]) -> bytes:
    """Return rows of the server, which end with LF, as lines of RFC 4180, which end with CR LF."""
    block = b"".join(batch)
    if block.count(b"\n") == len(batch):
        return block.replace(b"\n", b"\r\n")
    # Some text has a line break of its own, which stays as it is.
    return b"".join(bytes(line[:-1]) + b"\r\n" for line in batch)


def _copied(conn: psycopg.Connection[Any], statement: sql.Composed) -> Generator[Any, None, None]:
    """Yield what the server copies out: one row at a time, the header first."""
    with conn.cursor() as cur, cur.copy(statement) as copy:
        yield from copy


def _query(
    view: View, applied: dict[str, tuple[int, str]], values: Sequence[sql.Composable]
) -> sql.Composed:
    """Return the select of a view: ``values`` under the names of the columns, ordered by key."""
    names = [sql.Identifier(column.name) for column in view.columns]
    chosen = sql.SQL(", ").join(
        sql.SQL("{} as {}").format(value, name) for value, name in zip(values, names, strict=True)
    )
    query = sql.SQL("select {} from {} as v").format(chosen, sql.Identifier(SCHEMA, view.name))
    if applied:
        query += sql.SQL(" where ") + sql.SQL(" and ").join(
            sql.SQL("v.{} = {}").format(names[position], sql.Literal(value))
            for position, value in applied.values()
        )
    by_name = {column.name: column for column in view.columns}
    order = sql.SQL(", ").join(
        _value(by_name[name]) + sql.SQL(' collate "C"' if by_name[name].base in _TEXT else "")
        for name in view.key or by_name
    )
    return query + sql.SQL(" order by ") + order


def _value(column: Column) -> sql.Composed:
    return sql.SQL("v.{}").format(sql.Identifier(column.name))


def _csv_value(column: Column) -> sql.Composable:
    value = _value(column)
    match column.base:
        case "numeric":
            return sql.SQL("trim_scale({})").format(value)
        case "real" | "double precision":
            # The shortest text that reads back the same, but never with an exponent.
            return sql.SQL("trim_scale({}::text::numeric)").format(value)
        case "boolean":
            return sql.SQL("{}::text").format(value)
        case "smallint" | "integer" | "bigint" | "date":
            return value
        case "timestamp with time zone" | "timestamp without time zone":
            return _moment(column)
    return sql.SQL(
        "case when ascii({0}) = any({1}) and {0} ~ {2} then '''' || {0} else {0} end"
    ).format(
        value if column.base in _TEXT else value + sql.SQL("::text"),
        sql.Literal(_FIRST),
        sql.Literal(_FORMULA),
    )


def _moment(column: Column) -> sql.Composed:
    """Return a time as ISO 8601 writes it, in UTC where it has a zone."""
    zone = '"Z"' if column.base == "timestamp with time zone" else ""
    return sql.SQL("to_char({}, {})").format(
        _value(column), sql.Literal(f'YYYY-MM-DD"T"HH24:MI:SS.US{zone}')
    )


def _write_parquet(
    snap: Snapshot,
    view: View,
    path: Path,
    applied: dict[str, tuple[int, str]],
    plan: str | None,
) -> int:
    """Return the number of rows."""
    import polars as pl
    from polars.io.plugins import register_io_source

    schema = pl.Schema(
        {column.name: _parquet_type(snap.conn, view, column) for column in view.columns}
    )
    # Numbers are read as what they are; the rest is text first.
    wire = {name: kind if kind.is_numeric() else pl.String for name, kind in schema.items()}
    values = [
        _moment(column)
        if isinstance(schema[column.name], pl.Datetime)
        else _value(column) + sql.SQL("" if column.base in _NUMBERS else "::text")
        for column in view.columns
    ]
    statement = sql.SQL("copy ({}) to stdout (format csv)").format(_query(view, applied, values))
    count = 0

    def batches(*_: Any) -> Iterator[Any]:
        nonlocal count
        with closing(_copied(snap.conn, statement)) as lines:
            while batch := list(islice(lines, _BATCH)):
                # Nothing is null and "" an empty text, on both sides.
                frame = pl.read_csv(b"".join(batch), has_header=False, schema=wire)
                count += len(frame)
                yield frame.select(_typed(name, kind) for name, kind in schema.items())

    register_io_source(batches, schema=schema).sink_parquet(
        path,
        row_group_size=_ROW_GROUP,
        metadata=snap.facts(plan)
        | {
            "view": view.code,
            "title": view.title,
            "description": view.description,
            "contract_version": view.version,
        },
        arrow_schema=DescribedSchema(
            schema,
            [{"title": column.title, "description": column.description} for column in view.columns],
        ),
    )
    return count


def _typed(name: str, kind: Any) -> Any:
    """Return the expression that turns the text of the server into ``kind``."""
    import polars as pl

    column = pl.col(name)
    if kind == pl.Boolean:
        return column == "true"
    if kind == pl.Date:
        return column.str.to_date("%Y-%m-%d")
    if isinstance(kind, pl.Datetime):
        moment = column.str.slice(0, 26).str.to_datetime("%Y-%m-%dT%H:%M:%S%.6f", time_unit="us")
        return moment.dt.replace_time_zone(kind.time_zone)
    return column


def _parquet_type(conn: psycopg.Connection[Any], view: View, column: Column) -> Any:
    """Return the polars type of a column; a number without limits gets those of its values."""
    import polars as pl

    match column.base:
        case "smallint":
            return pl.Int16
        case "integer":
            return pl.Int32
        case "bigint":
            return pl.Int64
        case "real":
            return pl.Float32
        case "double precision":
            return pl.Float64
        case "boolean":
            return pl.Boolean
        case "date":
            return pl.Date
        case "timestamp with time zone":
            return pl.Datetime("us", "UTC")
        case "timestamp without time zone":
            return pl.Datetime("us")
        case "numeric":
            limits = re.search(r"\((\d+),(\d+)\)", column.type)
            if limits:
                return pl.Decimal(int(limits[1]), int(limits[2]))
            scale = conn.execute(
                sql.SQL("select coalesce(max(scale({})), 0) from {} as v").format(
                    _value(column), sql.Identifier(SCHEMA, view.name)
                )
            ).fetchone()
            return pl.Decimal(38, scale[0] if scale else 0)
    return pl.String
