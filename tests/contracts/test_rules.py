"""Every rule of every contract, run in PostgreSQL on rows that break it and rows that keep it.

The rows are in ``cases/<dataset>.yaml``; derived rules (required, codes, type, unique, key) get
their failing row from the column. A rule without a failing fixture does not merge.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg import sql

from eduplan import rules_sql
from eduplan.contract import Contract, Rule, load_contracts, period_of_year

CONTRACTS = load_contracts(Path(__file__).resolve().parents[2] / "expectations")
CASES: dict[str, dict[str, Any]] = {
    file.stem: yaml.safe_load(file.read_text(encoding="utf-8"))
    for file in sorted((Path(__file__).parent / "cases").glob("*.yaml"))
}
RULES = [(c.dataset, rule.id) for c in CONTRACTS.values() for rule in c.rules]
BATCH = 1
Row = dict[str, str | None]


@pytest.fixture(scope="module")
def database(pg_server: str, pg_template: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(pg_server, autocommit=True) as admin:
        admin.execute("drop database if exists rule_cases")
        admin.execute(
            sql.SQL("create database rule_cases template {}").format(sql.Identifier(pg_template))
        )
    with psycopg.connect(pg_server.rsplit("/", 1)[0] + "/rule_cases") as conn:
        yield conn


@pytest.fixture
def conn(database: psycopg.Connection) -> Iterator[psycopg.Connection]:
    yield database
    database.rollback()


def rows_of(dataset: str, changes: Sequence[Row]) -> list[Row]:
    return [{**CASES[dataset]["base"], **change} for change in changes]


def load(conn: psycopg.Connection, dataset: str, batch_id: int, rows: Sequence[Row]) -> None:
    names = [column.name for column in CONTRACTS[dataset].columns]
    table = rules_sql.batch_relation(dataset, batch_id)
    columns = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(n)) for n in names)
    conn.execute(
        sql.SQL("create table {} ({}, _batch_id bigint, _file int, _row bigint)").format(
            table, columns
        )
    )
    marks = sql.SQL(", ").join([sql.Placeholder()] * (len(names) + 3))
    for number, row in enumerate(rows, 1):
        assert set(row) <= set(names), f"unknown columns in the fixture: {set(row) - set(names)}"
        values = [None if (v := row.get(name)) is None else str(v) for name in names]
        conn.execute(
            sql.SQL("insert into {} values ({})").format(table, marks),
            [*values, batch_id, 1, number],
        )


def register(conn: psycopg.Connection, dataset: str, period: str, status: str) -> int:
    found = conn.execute(
        "insert into ops.batch (dataset, period, status, content_hash, contract_version,"
        " contract_hash) values (%s, %s, %s, md5(random()::text), '1', '') returning batch_id",
        (dataset, period, status),
    ).fetchone()
    assert found is not None
    return int(found[0])


def load_neighbours(conn: psycopg.Connection, dataset: str) -> None:
    """The batches that rules of ``dataset`` look into."""
    case = CASES[dataset]
    year = 0 if case["period"] == "all" else int(case["period"][:4])
    for section, then in (("published", year), ("previous", year - 1)):
        for other, changes in (case.get(section) or {}).items():
            period = period_of_year(CONTRACTS[other].period_kind, then)
            batch_id = register(conn, other, period, "published")
            load(conn, other, batch_id, rows_of(other, changes))


def accused(
    conn: psycopg.Connection, contract: Contract, rule: Rule, rows: Sequence[Row]
) -> list[int] | list[tuple[str, str]]:
    """Row numbers that the rule accuses, or what a table rule reports."""
    period = CASES[contract.dataset]["period"]
    found = rules_sql.resolve(conn, contract, period, rule)
    assert not isinstance(found, rules_sql.NotRun), found
    batch_id = register(conn, contract.dataset, period, "landed")
    load(conn, contract.dataset, batch_id, rows)
    batch = rules_sql.batch_relation(contract.dataset, batch_id)

    def render(text: str) -> sql.Composed:
        return rules_sql.render(text, contract, batch, period, found)

    if rule.query:
        return [(str(a), str(b)) for a, b in conn.execute(render(rule.query)).fetchall()]
    if rule.predicate:
        query = sql.SQL("select _row from {} where not ({}) order by 1").format(
            batch, render(rule.predicate)
        )
    else:
        query = sql.SQL(
            "select _row from (select _row, count(*) over (partition by {}) as n from {} where {})"
            " as counted where n > 1 order by 1"
        ).format(
            sql.SQL(", ").join(map(sql.Identifier, rule.unique_columns)),
            batch,
            render(rule.where or "true"),
        )
    return [int(row[0]) for row in conn.execute(query).fetchall()]


def derived_case(contract: Contract, rule: Rule) -> tuple[list[Row], list[int]]:
    """Failing rows of a derived rule, with a good row first."""
    kind, column = rule.id.split("-")[1], rule.columns[0]
    if kind == "REQ":
        return [{}, {column: None}, {column: ""}, {column: "\u3000 "}], [2, 3, 4]
    if kind == "COD":
        return [{}, {column: "不在代码表中"}, {column: ""}, {column: "-"}], [2, 4]
    if kind == "TYP":
        bad = [{column: "约三十"}, {column: "20231345"}, {column: "12.5"}]
        logical = contract.column(column).logical_type
        accused = {"date": [2, 3, 4], "integer": [2, 4], "number": [2]}[logical]
        return [{}, *bad, {column: ""}, {column: "-"}, {column: "无"}], accused
    other = {"date": "20200101"}.get(contract.column(column).logical_type, "999")
    blank: Row = dict.fromkeys(rule.unique_columns)
    return [{}, {}, {column: other}, blank, blank], [1, 2]


@pytest.mark.parametrize(("dataset", "rule_id"), RULES)
def test_rule(conn: psycopg.Connection, dataset: str, rule_id: str) -> None:
    contract = CONTRACTS[dataset]
    rule = contract.rule(rule_id)
    assert dataset in CASES, f"no base row: write cases/{dataset}.yaml"
    load_neighbours(conn, dataset)
    good: list[Sequence[Row]] = [[{}]]
    if rule.derived:
        bad, expected = derived_case(contract, rule)
    else:
        case = CASES[dataset]["rules"].get(rule_id)
        assert case, f"{rule_id} has no failing fixture in cases/{dataset}.yaml"
        bad = case["rows"] if "rows" in case else [case["bad"]]
        expected = case.get("accused", [1])
        good += [[row] for row in case.get("good", [])]
        if "good_rows" in case:
            good.append(case["good_rows"])
    for changes in good:
        rows = rows_of(dataset, changes)
        assert accused(conn, contract, rule, rows) == [], f"{rule_id} accuses a good row"
    result = accused(conn, contract, rule, rows_of(dataset, bad))
    if expected == "table":
        assert len(result) == 1
    else:
        assert result == expected


def test_every_explicit_rule_has_a_failing_fixture() -> None:
    explicit = {rule.id for c in CONTRACTS.values() for rule in c.rules if not rule.derived}
    fixtures = {rule_id for case in CASES.values() for rule_id in case["rules"]}
    assert fixtures == explicit


def test_no_rule_reports_personal_data() -> None:
    for contract in CONTRACTS.values():
        personal = {column.name for column in contract.columns if column.personal == "direct"}
        for rule in contract.rules:
            if rule.query:
                selected = rule.query.upper().split("FROM", 1)[0].lower()
                assert not [name for name in personal if name in selected.split()], rule.id


def test_audited_batch_of_the_previous_period_counts_without_its_critical_rows(
    conn: psycopg.Connection,
) -> None:
    contract = CONTRACTS["finance_county"]
    rule = contract.rule("FNC-004")
    assert isinstance(rules_sql.resolve(conn, contract, "2025", rule), rules_sql.NotRun)
    held = register(conn, "finance_county", "2024", "held")
    assert held and isinstance(rules_sql.resolve(conn, contract, "2025", rule), rules_sql.NotRun)
    audited = register(conn, "finance_county", "2024", "audited")
    rows = rows_of("finance_county", [{"edu_exp_total": "290"}, {"region_name": "藤县"}])
    load(conn, "finance_county", audited, rows)
    conn.execute(
        "insert into quality.row_verdict (batch_id, file_no, row_no, rules, severity)"
        " values (%s, 1, 1, '{FNC-001}', 'critical')",
        (audited,),
    )
    found = rules_sql.resolve(conn, contract, "2025", rule)
    assert not isinstance(found, rules_sql.NotRun)
    lookup = found["previous:finance_county"]
    assert lookup == rules_sql.Lookup("finance_county", audited, clean_only=True)
    query = sql.SQL("select region_name from {} as p").format(lookup.relation())
    assert conn.execute(query).fetchall() == [("藤县",)]


def test_school_year_data_is_found_from_a_fiscal_year(conn: psycopg.Connection) -> None:
    batch = register(conn, "school_register", "2024-2025", "published")
    rule = CONTRACTS["finance_school"].rule("FNS-003")
    found = rules_sql.resolve(conn, CONTRACTS["finance_school"], "2024", rule)
    assert found == {
        "published:school_register": rules_sql.Lookup("school_register", batch, clean_only=False)
    }
    missing = rules_sql.resolve(conn, CONTRACTS["finance_school"], "2023", rule)
    assert isinstance(missing, rules_sql.NotRun) and "school_register" in missing.reason


def test_a_list_without_periods_is_checked_against_the_newest_register(
    conn: psycopg.Connection,
) -> None:
    contract = CONTRACTS["star_schools"]
    rule = contract.rule("STS-002")
    newest = register(conn, "school_register", "2025-2026", "published")
    register(conn, "school_register", "2023-2024", "published")  # published later, but older
    found = rules_sql.resolve(conn, contract, "all", rule)
    assert not isinstance(found, rules_sql.NotRun)
    assert found["published:school_register"].batch_id == newest
