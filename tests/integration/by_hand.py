"""Contracts and landed batches made by hand, so that expected verdicts can be worked out."""

from collections.abc import Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from eduplan.contract import Column, Contract, Rule, Source


def column(name: str, label: str = "", *, personal: str | None = None) -> Column:
    return Column(name, label or name, (), "string", False, False, False, personal, None, "")


def row_rule(
    rule_id: str, predicate: str, *, severity: str = "critical", columns: Sequence[str] = ()
) -> Rule:
    return Rule(
        rule_id, "row", severity, "validity", f"{rule_id}不符。", f"{rule_id} fails.",
        f"请改正{rule_id}。", tuple(columns), predicate=predicate,
    )  # fmt: skip


def unique_rule(rule_id: str, columns: Sequence[str], *, where: str | None = None) -> Rule:
    return Rule(
        rule_id, "row", "critical", "uniqueness", f"{rule_id}重复。", f"{rule_id} repeats.",
        "", tuple(columns), unique_columns=tuple(columns), where=where,
    )  # fmt: skip


def table_rule(rule_id: str, query: str, *, severity: str = "critical") -> Rule:
    return Rule(
        rule_id, "table", severity, "consistency", f"{rule_id}不符。", f"{rule_id} fails.",
        "", (), query=query,
    )  # fmt: skip


def contract(
    dataset: str,
    columns: Sequence[Column],
    rules: Sequence[Rule],
    *,
    max_reject_rate: float = 1.0,
    period_kind: str = "school_year",
) -> Contract:
    return Contract(
        dataset=dataset, system="test", title_zh=dataset, version="1.0.0",
        path=Path(f"{dataset}.odcs.yaml"), sha256="0" * 64, prefix="T", owner="", steward="",
        description="", source=Source("file", "", "table", None, {}), columns=tuple(columns),
        rules=tuple(rules), scope="period", period_kind=period_kind,
        period_range=("2000-2001", "2100-2101"), max_reject_rate=max_reject_rate, depends_on=(),
        pool="default_pool", schedule=None, sla={},
    )  # fmt: skip


def land_rows(
    conn: psycopg.Connection,
    made: Contract,
    period: str,
    rows: Sequence[Sequence[str | None]],
    *,
    rejected: int = 0,
    content: str = "",
) -> int:
    """Land ``rows`` as row 2, 3, … of one file, as landing does; return the batch id; commits."""
    names = [c.name for c in made.columns]
    parent = sql.Identifier("raw", made.dataset)
    body = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(n)) for n in names)
    conn.execute(
        sql.SQL(
            "create table if not exists {} ({}, _batch_id bigint not null, _file int not null,"
            " _row bigint not null) partition by list (_batch_id)"
        ).format(parent, body)
    )
    found = conn.execute(
        "insert into ops.batch (dataset, period, status, content_hash, contract_version,"
        " contract_hash, row_count, rejected_count, file_count, scope)"
        " values (%s, %s, 'landed', %s, '1.0.0', '0', %s, %s, 1, %s) returning batch_id",
        (made.dataset, period, content or repr((period, rows)), len(rows), rejected, made.scope),
    ).fetchone()
    assert found is not None
    batch_id = int(found[0])
    conn.execute(
        "insert into ops.batch_file (batch_id, file_no, path, sha256, size_bytes, format, status)"
        " values (%s, 1, %s, '', 0, 'csv', 'landed')",
        (batch_id, f"{made.dataset}/{period}.csv"),
    )
    table = sql.Identifier("raw", f"{made.dataset}__b{batch_id}")
    conn.execute(
        sql.SQL(
            "create table {} ({}, _batch_id bigint not null default {} check (_batch_id = {}),"
            " _file int not null, _row bigint not null)"
        ).format(table, body, sql.Literal(batch_id), sql.Literal(batch_id))
    )
    with conn.cursor() as cur:
        cur.executemany(
            sql.SQL("insert into {} ({}, _file, _row) values ({}, 1, %s)").format(
                table,
                sql.SQL(", ").join(sql.Identifier(n) for n in names),
                sql.SQL(", ").join(sql.Placeholder() for _ in names),
            ),
            [(*row, number) for number, row in enumerate(rows, start=2)],
        )
    conn.commit()
    return batch_id


def verdicts(conn: psycopg.Connection, batch_id: int) -> dict[int, tuple[list[str], str]]:
    """Return row number -> (rule ids, severity)."""
    return {
        row: (rules, severity)
        for row, rules, severity in conn.execute(
            "select row_no, rules, severity from quality.row_verdict where batch_id = %s",
            (batch_id,),
        )
    }


def checks(conn: psycopg.Connection, batch_id: int) -> dict[str, tuple[str, int | None]]:
    """Return rule id -> (status, failed count) of all recorded runs."""
    return {
        rule: (status, count)
        for rule, status, count in conn.execute(
            "select rule_id, status, failed_count from quality.check_result where batch_id = %s"
            " order by result_id",
            (batch_id,),
        )
    }


def published(conn: psycopg.Connection, dataset: str, name: str) -> list[str]:
    """Return the values of one column of what is published, sorted."""
    query = sql.SQL("select {} from {} order by 1").format(
        sql.Identifier(name), sql.Identifier("raw", dataset)
    )
    return [row[0] for row in conn.execute(query)]
