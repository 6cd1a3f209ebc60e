"""What a batch looks like in numbers, against the same window of former years.

A batch is read three times: for who is in it, for what can be counted by county, and for its code
lists; quantiles come from a sample. Figures are kept for the batch and, where its rows name a
school, for each county. They never hold a value of a row. Batches of single schools are not
compared: which schools a delivery holds differs every time, and the late register says who is
missing.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from eduplan.contract import Column, Contract
from eduplan.quality import volume
from eduplan.quality.compare import Anomaly, Figure, compare
from eduplan.replace import PARTIAL

_SAMPLE = 20_000
_CODES_MOST = 30
_YEARS_COMPARED = 5
_SCHOOL_COLUMNS = ("school_code", "reporter_code", "kindergarten_code")


def observe(conn: psycopg.Connection[Any], contract: Contract, batch_id: int) -> None:
    """Store the figures of an audited batch and those that are far from former years'.

    Batches of the dataset that were published before figures were kept are caught up on. Looked
    at again after it was published, a batch keeps the figures it had with its bad rows.
    """
    if conn.execute(
        "select 1 from ops.batch b where batch_id = %s and status in ('published', 'superseded')"
        " and exists (select from quality.profile p where p.batch_id = b.batch_id)",
        (batch_id,),
    ).fetchone():
        return
    missed = conn.execute(
        "select batch_id from ops.batch b where dataset = %s and status = 'published'"
        " and not exists (select from quality.profile p where p.batch_id = b.batch_id)"
        " and exists (select from pg_inherits"
        "  where inhrelid = to_regclass(format('raw.%%I', dataset || '__b' || batch_id)))"
        " and batch_id <> %s order by batch_id",
        (contract.dataset, batch_id),
    ).fetchall()
    for one in (*(row[0] for row in missed), batch_id):
        _observe(conn, contract, one)


def _observe(conn: psycopg.Connection[Any], contract: Contract, batch_id: int) -> None:
    row = conn.execute("select period from ops.batch where batch_id = %s", (batch_id,)).fetchone()
    if row is None:
        return
    period: str = row[0]
    for name in ("receipt", "profile", "anomaly"):  # a second audit of the same batch
        conn.execute(
            sql.SQL("delete from {} where batch_id = %s").format(sql.Identifier("quality", name)),
            (batch_id,),
        )
    table = sql.Identifier("raw", f"{contract.dataset}__b{batch_id}")
    unit = unit_column(contract)
    if unit is not None:
        conn.execute(
            sql.SQL(
                "insert into quality.receipt select %s, _file, edu.clean({unit}), count(*)"
                " from {table} where edu.is_filled({unit}) group by 2, 3"
            ).format(unit=sql.Identifier(unit), table=table),
            (batch_id,),
        )
    figures = _figures(conn, contract, table, unit)
    with conn.cursor() as cur:
        cur.executemany(
            "insert into quality.profile values (%s, %s, %s, %s, %s, %s, %s)",
            [
                (batch_id, contract.dataset, period, f.county, f.metric, f.column, f.value)
                for f in figures
            ],
        )
        cur.executemany(
            "insert into quality.anomaly (batch_id, dataset, period, county_code, metric,"
            " column_name, value, expected, spread, score, compared_with)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    batch_id, contract.dataset, period, a.figure.county, a.figure.metric,
                    a.figure.column, a.figure.value, a.expected, a.spread, a.score, told,
                )
                for a, told in _far(conn, contract, batch_id, period, figures)
            ],
        )  # fmt: skip


def _far(
    conn: psycopg.Connection[Any],
    contract: Contract,
    batch_id: int,
    period: str,
    figures: Sequence[Figure],
) -> list[tuple[Anomaly, list[str]]]:
    """Return what is far from former years, with the periods (of a source read daily, the ends of
    the weeks) it was compared with."""
    if contract.scope == "key":
        row = conn.execute(
            "select (landed_at at time zone 'Asia/Shanghai')::date from ops.batch"
            " where batch_id = %s",
            (batch_id,),
        ).fetchone()
        found = volume.far(conn, contract.dataset, row[0]) if row else None
        return [] if found is None else [found]
    if contract.scope in PARTIAL:
        return []
    former = _former(conn, contract.dataset, period)
    return [(anomaly, sorted(former)) for anomaly in compare(figures, former)]


def unit_column(contract: Contract) -> str | None:
    """Return the column that names the school a row is about, None where rows name none."""
    if contract.scope == "school":
        return contract.scope_columns[0]
    names = {column.name for column in contract.columns}
    return next((name for name in _SCHOOL_COLUMNS if name in names), None)


# -- the figures of one batch ---------------------------------------------------------------------


def _figures(
    conn: psycopg.Connection[Any], contract: Contract, table: sql.Identifier, unit: str | None
) -> list[Figure]:
    rows = _rows_with_county(conn, table, unit)
    numeric = [
        c
        for c in contract.columns
        if c.logical_type in ("integer", "number") and c.personal is None and not c.key
    ]
    counts, found = _counted(conn, contract.columns, numeric, rows)
    found += _code_shares(conn, contract.columns, rows, counts)
    found += _sampled(conn, contract.columns, numeric, table, counts[""])
    return found


def _rows_with_county(
    conn: psycopg.Connection[Any], table: sql.Identifier, unit: str | None
) -> sql.Composable:
    """Return a FROM item: the rows of the batch, each with the _county of its school or ''."""
    known = conn.execute("select to_regclass('raw.school_register') is not null").fetchone()
    if unit is None or known != (True,):
        return sql.SQL("(select *, '' as _county from {}) as r").format(table)
    return sql.SQL(
        "(select b.*, coalesce(place.county, '') as _county from {} as b left join ("
        "select distinct on (school_code) school_code, left(admin_code, 6) as county"
        " from raw.school_register where left(admin_code, 6) in"
        " (select county_code from ref_data.county) order by school_code, _batch_id desc"
        ") as place on b.{} = place.school_code) as r"
    ).format(table, sql.Identifier(unit))


def _counted(
    conn: psycopg.Connection[Any],
    columns: Sequence[Column],
    numeric: Sequence[Column],
    rows: sql.Composable,
) -> tuple[dict[str, int], list[Figure]]:
    """Return the number of rows by county ('': all), and row counts, filled shares and totals."""
    wanted = [
        sql.SQL("count(*) filter (where btrim({}) <> '')").format(sql.Identifier(c.name))
        for c in columns
    ] + [
        sql.SQL("coalesce(sum(edu.parse_number({})), 0)").format(sql.Identifier(c.name))
        for c in numeric
    ]
    read = conn.execute(
        sql.SQL("select _county, count(*), {} from {} group by 1").format(
            sql.SQL(", ").join(wanted), rows
        )
    ).fetchall()
    whole = ["", *(sum(column) for column in list(zip(*read, strict=True))[1:])] if read else []
    parts = [row for row in read if row[0]]
    counts = {"": 0}
    found = []
    for county, count, *values in [whole, *parts] if whole else []:
        counts[county] = int(count)
        found.append(Figure(county, "row_count", "", float(count)))
        for column, filled in zip(columns, values, strict=False):
            found.append(Figure(county, "filled_share", column.name, float(filled) / count))
        for column, total in zip(numeric, values[len(columns) :], strict=True):
            found.append(Figure(county, "total", column.name, float(total)))
    return counts, found


def _code_shares(
    conn: psycopg.Connection[Any],
    columns: Sequence[Column],
    rows: sql.Composable,
    counts: dict[str, int],
) -> list[Figure]:
    """Return the share of each code of each short code list, in the batch and in each county."""
    coded = [c for c in columns if c.codes and len(c.codes) <= _CODES_MOST and c.personal is None]
    if not coded or not counts[""]:
        return []
    names = [sql.Identifier(c.name) for c in coded]
    read = conn.execute(
        sql.SQL(
            "select _county, grouping({0}), {0}, count(*) from {1} group by grouping sets ({2})"
        ).format(
            sql.SQL(", ").join(names),
            rows,
            sql.SQL(", ").join(sql.SQL("(_county, {})").format(name) for name in names),
        )
    ).fetchall()
    found: dict[tuple[str, str, str], int] = {}
    for county, grouping, *values, count in read:
        # The one column that is grouped by is the one whose bit is not set, the last is bit 0.
        at = next(i for i in range(len(coded)) if not grouping >> (len(coded) - 1 - i) & 1)
        code = (values[at] or "").strip()
        if code in (coded[at].codes or {}):
            for place in {county, ""}:
                key = (place, coded[at].name, code)
                found[key] = found.get(key, 0) + count
    return [
        Figure(county, f"code_share:{code}", name, count / counts[county])
        for (county, name, code), count in sorted(found.items())
    ]


def _sampled(
    conn: psycopg.Connection[Any],
    columns: Sequence[Column],
    numeric: Sequence[Column],
    table: sql.Identifier,
    rows: int,
) -> list[Figure]:
    """Return distinct shares and quantiles of at most so many rows, the same ones each time."""
    if not rows:
        return []
    wanted = [
        sql.SQL("count(distinct {})").format(sql.Identifier(column.name)) for column in columns
    ] + [
        sql.SQL(
            "percentile_disc(array[0.1, 0.5, 0.9]) within group (order by edu.parse_number({}))"
        ).format(sql.Identifier(column.name))
        for column in numeric
    ]
    sample: sql.Composable = sql.SQL("")
    if rows > _SAMPLE:
        sample = sql.SQL("tablesample bernoulli ({}) repeatable (1)").format(
            sql.Literal(100 * _SAMPLE / rows)
        )
    row = conn.execute(
        sql.SQL("select count(*), {} from {} {}").format(sql.SQL(", ").join(wanted), table, sample)
    ).fetchone()
    if row is None or not row[0]:
        return []
    taken, *values = row
    found = [
        Figure("", "distinct_share", column.name, distinct / taken)
        for column, distinct in zip(columns, values, strict=False)
    ]
    for column, quantiles in zip(numeric, values[len(columns) :], strict=True):
        for metric, value in zip(("p10", "median", "p90"), quantiles or (), strict=False):
            if value is not None:
                found.append(Figure("", metric, column.name, float(value)))
    return found


# -- against former years --------------------------------------------------------------------------


def _former(
    conn: psycopg.Connection[Any], dataset: str, period: str
) -> dict[str, dict[tuple[str, str, str], float]]:
    """Return the figures of the newest former periods: period -> figures.

    Of each period the published batch speaks, or the one about to be: several are audited at once.
    """
    found: dict[str, dict[tuple[str, str, str], float]] = {}
    for told, county, metric, column, value in conn.execute(
        "select p.period, county_code, metric, column_name, value from quality.profile p"
        " where batch_id in (select max(batch_id) from ops.batch where dataset = %(dataset)s"
        "  and status in ('audited', 'published') and period < %(period)s"
        "  group by period order by period desc limit %(years)s)",
        {"dataset": dataset, "period": period, "years": _YEARS_COMPARED},
    ):
        found.setdefault(told, {})[county, metric, column] = value
    return found
