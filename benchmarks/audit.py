"""Auditing 1,000,000 student records by 20 rules: Great Expectations against one plain scan.

The limit is what a person would write by hand for the same 20 predicates: one scan that counts
the violations of each rule, and one query for duplicates. Our side is the whole of `audit()`
after import: view, suite, validation, check results and, in the second case, the verdicts of
every accused row.

    python -m benchmarks.audit [--rows N] [--reps N]
"""

import argparse
import dataclasses
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks._common import database, interleave, write_result
from eduplan import rules_sql, warehouse
from eduplan.contract import Contract, load_contract

PERIOD = "2025-2026"
CONTRACT = Path(__file__).parents[1] / "expectations/student_records/students.odcs.yaml"
RULES = (
    "STU-001 STU-002 STU-003 STU-004 STU-005 STU-006 STU-007 STU-008 STU-009 STU-011 STU-012"
    " STU-013 STU-014 STU-017 STU-018 STU-REQ-name STU-COD-sex STU-COD-grade STU-COD-status"
    " STU-TYP-birth_date"
).split()

# OFFSET 0 keeps a level from being evaluated again for each use of its columns.
# Every identity number carries the area code 450499, which no place has. A dirty row comes every
# 60 rows (1.7 %), its defect chosen by the row's number.
_STUDENTS = """
insert into {table} (school_code, school_name, name, sex, birth_date, id_type, id_number,
    student_no, ethnicity, hukou_type, hukou_region, grade, class_name, entry_month, entry_mode,
    boarding, source_type, is_migrant, is_left_behind, is_purchased_place, status, phone, address,
    guardian_name, guardian_phone, _file, _row)
select case when defect = 1 then '2145' else '21450' || lpad((i % 900)::text, 5, '0') end,
    '第' || i % 900 || '小学', case when defect = 2 then '学?生' else '学生' end,
    case when defect = 3 then '未知' when odd then '男' else '女' end, birth, '居民身份证',
    case when defect = 4 then left(id17, 16) || '0' || digit else id17 || digit end,
    'G' || id17 || digit, '汉族', '农业户口',
    case when defect = 5 then '4504' else '450403001001' end,
    '小学一年级', '1班', '202509', '就近入学', '走读', '正常入学', '否', '否', '否',
    case when defect = 6 then '流失' else '在读' end, '13000000000', '某某街道' || i || '号',
    '家长', '13000000000', 1, i + 1
from (
    select i, defect, birth, odd, id17, substr('10X98765432', 1 + mod(7 * d[1] + 9 * d[2]
        + 10 * d[3] + 5 * d[4] + 8 * d[5] + 4 * d[6] + 2 * d[7] + d[8] + 6 * d[9] + 3 * d[10]
        + 7 * d[11] + 9 * d[12] + 10 * d[13] + 5 * d[14] + 8 * d[15] + 4 * d[16] + 2 * d[17], 11),
        1) as digit
    from (
        select i, case when %(dirty)s and i % 60 = 0 then 1 + i / 60 % 6 end as defect, birth,
            i / 365 % 2 = 1 as odd, id17, string_to_array(id17, null)::int[] as d
        from (
            select i, birth, '450499' || birth || lpad((i / 365 % 1000)::text, 3, '0') as id17
            from (select i, to_char(
                (array[date '2018-09-01', date '2019-09-01', date '2017-09-01'])[1 + i / 365000 % 3]
                    + (i % 365)::int, 'YYYYMMDD') as birth
            from generate_series(1, %(rows)s) as i offset 0) as births
            offset 0
        ) as days
        offset 0
    ) as numbers
    offset 0
) as students
"""


def _make_batch(conn: psycopg.Connection, contract: Contract, rows: int, *, dirty: bool) -> int:
    """Make a landed batch in the database itself; landing has its own benchmark."""
    columns = sql.SQL(", ").join(
        sql.SQL("{} text").format(sql.Identifier(column.name)) for column in contract.columns
    )
    found = conn.execute(
        "insert into ops.batch (dataset, period, status, content_hash, contract_version,"
        " contract_hash, row_count) values (%s, %s, 'landed', %s, '', '', %s) returning batch_id",
        (contract.dataset, PERIOD, str(dirty), rows),
    ).fetchone()
    assert found is not None
    table = sql.Identifier("raw", f"{contract.dataset}__b{found[0]}")
    conn.execute(
        sql.SQL(
            "create table {} ({}, _batch_id bigint not null default {}, _file int not null,"
            " _row bigint not null)"
        ).format(table, columns, sql.Literal(found[0]))
    )
    statement = _STUDENTS.replace(" % ", " %% ")
    conn.execute(sql.SQL(statement).format(table=table), {"rows": rows, "dirty": dirty})  # type: ignore[arg-type]
    return int(found[0])


def _make_register(conn: psycopg.Connection) -> None:
    conn.execute(
        "insert into ops.batch (dataset, period, status, content_hash, contract_version,"
        " contract_hash) values ('school_register', %s, 'published', '', '', '')",
        (PERIOD,),
    )
    conn.execute(
        "create table raw.school_register__b1 as select '21450' || lpad(i::text, 5, '0')"
        " as school_code from generate_series(0, 899) as i"
    )


def _limit(conn: psycopg.Connection, contract: Contract, batch_id: int) -> dict[str, int]:
    """Count the violations of every rule with the two statements a person would write."""
    table = rules_sql.batch_relation(contract.dataset, batch_id)
    counts, duplicates = [], []
    for rule in contract.rules:
        lookups = rules_sql.resolve(conn, contract, PERIOD, rule)
        assert not isinstance(lookups, rules_sql.NotRun), lookups
        if rule.predicate:
            predicate = rules_sql.render(rule.predicate, contract, table, PERIOD, lookups)
            counts.append(
                sql.SQL("count(*) filter (where not ({})) as {}").format(
                    predicate, sql.Identifier(rule.id)
                )
            )
        else:
            where = rules_sql.render(rule.where or "true", contract, table, PERIOD, lookups)
            duplicates.append(
                sql.SQL(
                    "select count(*) from (select from {} where {} group by {} having count(*) > 1)"
                ).format(table, where, sql.SQL(", ").join(map(sql.Identifier, rule.unique_columns)))
            )
    found = conn.execute(sql.SQL("select {} from {}").format(sql.SQL(", ").join(counts), table))
    assert found.description is not None
    row = found.fetchone()
    assert row is not None
    result = dict(zip([column.name for column in found.description], row, strict=True))
    for query in duplicates:
        conn.execute(query).fetchone()
    conn.rollback()
    return result


def main() -> None:
    """Measure a clean batch (no verdicts to write) and a dirty one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--reps", type=int, default=5)
    args = parser.parse_args()
    from eduplan.audit import audit  # imports Great Expectations; not part of the measure

    full = load_contract(CONTRACT)
    rules = tuple(rule for rule in full.rules if rule.id in RULES)
    assert len(rules) == len(RULES) == 20, set(RULES) - {rule.id for rule in rules}
    contract = dataclasses.replace(full, rules=rules)
    with database() as url, warehouse.connect(url) as conn:
        _make_register(conn)
        clean = _make_batch(conn, contract, args.rows, dirty=False)
        dirty = _make_batch(conn, contract, args.rows, dirty=True)
        conn.commit()
        conn.autocommit = True
        conn.execute("vacuum analyze")
        conn.autocommit = False
        for name, batch, goal in (("audit", clean, 1 / 1.5), ("audit_verdicts", dirty, 1 / 2.5)):
            by_hand = _limit(conn, contract, batch)
            result = audit(url, contract, batch)
            counts = {check.rule_id: check.failed_count for check in result.checks}
            assert all(counts[rule] == count for rule, count in by_hand.items()), (counts, by_hand)
            accused = result.critical_rows + result.warning_rows + result.info_rows
            assert bool(accused) == (batch == dirty), accused
            times = interleave(
                {
                    "limit": lambda b=batch: _limit(conn, contract, b),
                    "ours": lambda b=batch: audit(url, contract, b),
                },
                reps=args.reps,
            )
            write_result(
                name,
                ours=times["ours"],
                limit=times["limit"],
                goal=goal,
                what=f"20 rules over {args.rows:,} rows by Great Expectations"
                + (f", {accused:,} rows accused" if accused else ", all fine")
                + ", against one hand-written scan",
                rows=args.rows,
                rules=len(rules),
                accused_rows=accused,
            )


if __name__ == "__main__":
    main()
