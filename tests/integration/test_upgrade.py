"""An installation of the release before is migrated with everything that is in it."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from importlib import resources

import psycopg
import pytest
from psycopg import sql

from eduplan import warehouse
from eduplan.quality import profile, review
from tests.integration import by_hand

FIRST_OF_THIS_RELEASE = "007"
CONTRACT = by_hand.contract("pupils", [by_hand.column("school_code")], [])


@pytest.fixture
def old(pg_server: str) -> Iterator[psycopg.Connection]:
    """A database as the release before left it."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(pg_server, autocommit=True) as server:
        server.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        with psycopg.connect(pg_server.rsplit("/", 1)[0] + f"/{name}") as conn:
            conn.execute("create schema ops")
            conn.execute(
                "create table ops.migration (name text primary key,"
                " applied_at timestamptz not null default clock_timestamp())"
            )
            folder = resources.files("eduplan") / "sql" / "migrations"
            for file in sorted(folder.iterdir(), key=lambda f: f.name):
                if file.name.endswith(".sql") and file.name < FIRST_OF_THIS_RELEASE:
                    conn.execute(file.read_bytes())
                    conn.execute("insert into ops.migration (name) values (%s)", (file.name,))
            conn.commit()
            yield conn
        server.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def test_what_is_there_goes_on(old: psycopg.Connection) -> None:
    replaced = by_hand.land_rows(old, CONTRACT, "2024-2025", [("s3",)])
    first = by_hand.land_rows(old, CONTRACT, "2024-2025", [("s1",), ("s2",)])
    second = by_hand.land_rows(old, CONTRACT, "2024-2025", [("s1",)])
    held = by_hand.land_rows(old, CONTRACT, "2025-2026", [("s1",), ("s2",)])
    keys = by_hand.land_rows(old, replace(CONTRACT, scope="key"), "all", [("s1",)])
    # The first is replaced, the last deleted all it had: it never stood in raw.
    old.execute(
        "update ops.batch set status = 'superseded', superseded_by = %s where batch_id = %s",
        (second, first),
    )
    old.execute(
        "update ops.batch set status = 'published', published_at = now() where batch_id = any(%s)",
        ([second, keys],),
    )
    old.execute(
        "update ops.batch set status = 'held', held_reason = '甲；乙', audited_at = '2025-10-01'"
        " where batch_id = any(%s)",
        ([held, replaced],),
    )
    old.execute(
        "insert into quality.row_verdict values (%s, 1, 2, '{T-001}', 'critical'),"
        " (%s, 1, 3, '{T-002}', 'warning')",
        (held, held),
    )
    for batch in (first, second):
        old.execute(
            "insert into quality.quarantined_row (batch_id, dataset, period, file_no, row_no,"
            " payload, rules, reasons) values (%s, 'pupils', '2024-2025', 1, 9, '{}', '{}', '{}')",
            (batch,),
        )
    old.execute(
        "insert into ops.drift_event (batch_id, file_no, dataset, kind, column_name)"
        " values (%s, 1, 'pupils', 'extra_column', '备注')",
        (second,),
    )
    old.commit()
    assert warehouse.migrate(old)[0].startswith(FIRST_OF_THIS_RELEASE)
    assert warehouse.migrate(old) == []
    assert old.execute("select batch_id from quality.review").fetchall() == [(held,)]
    assert old.execute(
        "select status, superseded_by from ops.batch where batch_id = %s", (replaced,)
    ).fetchone() == ("superseded", second)
    waiting = review.find(old, batch_id=held)
    assert (waiting.status, waiting.reasons) == ("waiting", ["甲", "乙"])
    assert (waiting.row_count, waiting.critical_count) == (2, 1)
    assert old.execute(
        "select batch_id, status from quality.quarantined_row order by 1"
    ).fetchall() == [(first, "fixed"), (second, "open")]
    assert old.execute(
        "select action, actor, batch_id from quality.quarantine_event"
    ).fetchall() == [("fixed", "eduplan", second)]
    old.commit()
    assert review.decide(old, waiting.review_id, "reject", "chen", "重报").decision == "reject"


def test_figures_of_before_are_caught_up_on_where_rows_stand(old: psycopg.Connection) -> None:
    """The table of a batch that only deleted has not the columns that the contract gained since."""
    warehouse.migrate(old)
    deleted = by_hand.land_rows(old, CONTRACT, "all", [("s1",)])
    old.execute(
        "update ops.batch set status = 'published', scope = 'key' where batch_id = %s", (deleted,)
    )
    old.execute("alter table raw.pupils add column grade text")
    grown = replace(
        CONTRACT, columns=(*CONTRACT.columns, by_hand.column("grade")), scope="key",
        scope_columns=("school_code",),
    )  # fmt: skip
    batch = by_hand.land_rows(old, grown, "all", [("s1", "一年级")])
    profile.observe(old, grown, batch)
    assert old.execute("select distinct batch_id from quality.profile").fetchall() == [(batch,)]
