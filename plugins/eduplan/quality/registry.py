"""Which contract judged what: every version of it is kept beside the results."""

import hashlib
import json
from typing import Any

import psycopg

from eduplan.contract import Contract, Rule

_CONTRACT = """
insert into quality.contract (dataset, contract_hash, version, title_zh, system, owner, steward)
values (%s, %s, %s, %s, %s, %s, %s)
on conflict (dataset, contract_hash) do update set last_seen_at = clock_timestamp()
returning xmax = 0
"""

_COLUMN = """
insert into quality.contract_column
    (dataset, contract_hash, column_name, label, position, is_required, personal)
values (%s, %s, %s, %s, %s, %s, %s)
"""

_RULE = """
insert into quality.contract_rule (dataset, contract_hash, rule_id, level, severity, dimension,
    sentence_zh, fix_zh, columns, is_derived, definition_hash)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def record(conn: psycopg.Connection[Any], contract: Contract) -> None:
    """Keep ``contract`` in quality.contract with its columns and rules; once a version.

    A version is the bytes of the contract and its code lists. Does not commit.
    """
    key = (contract.dataset, contract.sha256)
    with psycopg.Cursor(conn) as cur:  # plain tuples, whatever rows the caller's cursors make
        found = cur.execute(
            _CONTRACT,
            (
                *key, contract.version, contract.title_zh, contract.system, contract.owner,
                contract.steward,
            ),
        ).fetchone()  # fmt: skip
        if found != (True,):
            return
        cur.executemany(
            _COLUMN,
            [
                (*key, column.name, column.label, place, column.required, column.personal)
                for place, column in enumerate(contract.columns, start=1)
            ],
        )
        cur.executemany(
            _RULE,
            [
                (
                    *key, rule.id, rule.level, rule.severity, rule.dimension, rule.sentence_zh,
                    rule.fix_zh, list(rule.columns), rule.derived, definition_hash(rule),
                )
                for rule in contract.rules
            ],
        )  # fmt: skip


def definition_hash(rule: Rule) -> str:
    """Return a hash of what the rule does: its SQL, its columns if unique, its severity.

    Sentences and blanks may change without it.
    """
    parts = [rule.level, rule.severity, list(rule.unique_columns)]
    parts += [" ".join((text or "").split()) for text in (rule.predicate, rule.query, rule.where)]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:16]
