"""Deliveries of single schools and keys: what they replace, whatever the order of publishing."""

import itertools
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from eduplan import rules_sql
from eduplan.publish import PublishResult, publish
from tests.integration import by_hand
from tests.integration.test_publish import status

PERIOD = "2025-2026"
SCHOOL = replace(
    by_hand.contract(
        "forms",
        (by_hand.column("school_code"), by_hand.column("line"), by_hand.column("value")),
        (),
    ),
    scope="school",
    scope_columns=("school_code",),
)
KEY = replace(
    by_hand.contract(
        "records",
        (by_hand.column("id"), by_hand.column("value"), by_hand.column("deleted")),
        (),
        period_kind="none",
    ),
    scope="key",
    scope_columns=("id",),
    tombstone="deleted",
)
Row = tuple[str, ...]


def audited(
    db: psycopg.Connection,
    contract: by_hand.Contract,
    rows: Sequence[Row],
    *,
    bad: Sequence[int] = (),
    period: str = PERIOD,
) -> int:
    """Land rows and give those at the places ``bad`` (0-based) a critical verdict."""
    batch = by_hand.land_rows(db, contract, period if contract.scope == "school" else "all", rows)
    for place in bad:
        db.execute(
            "insert into quality.row_verdict values (%s, 1, %s, '{T-001}', 'critical')",
            (batch, place + 2),
        )
    db.execute("update ops.batch set status = 'audited' where batch_id = %s", (batch,))
    db.commit()
    return batch


def rows_of(db: psycopg.Connection, contract: by_hand.Contract) -> list[Row]:
    names = ", ".join(column.name for column in contract.columns)
    found = sorted(db.execute(f"select {names} from raw.{contract.dataset}").fetchall())
    db.commit()
    return found


def publish_new(
    db: psycopg.Connection, contract: by_hand.Contract, rows: Sequence[Row], **kw: object
) -> PublishResult:
    return publish(db, contract, audited(db, contract, rows, **kw))  # type: ignore[arg-type]


def partitions(db: psycopg.Connection, dataset: str) -> list[str]:
    found = db.execute(
        "select inhrelid::regclass::text from pg_inherits where inhparent = %s::regclass",
        (f"raw.{dataset}",),
    ).fetchall()
    return [name for (name,) in found]


def test_a_school_replaces_its_rows_and_no_others(db: psycopg.Connection) -> None:
    first = publish_new(db, SCHOOL, [("s1", "a", "1"), ("s1", "b", "2"), ("s2", "a", "3")])
    other_year = publish_new(db, SCHOOL, [("s1", "a", "9")], period="2024-2025")
    # s1 sends a workbook with fewer lines, its code typed with a full-width blank.
    second = publish_new(db, SCHOOL, [("s1　", "a", "5")])
    assert (first.superseded, other_year.superseded, second.superseded) == ((), (), ())
    assert rows_of(db, SCHOOL) == [("s1", "a", "9"), ("s1　", "a", "5"), ("s2", "a", "3")]
    assert db.execute(
        "select batch_id, file_no, row_no, dataset, period, payload, superseded_by"
        " from raw.superseded_row order by row_no"
    ).fetchall() == [
        (1, 1, row, "forms", PERIOD, {"school_code": "s1", "line": line, "value": value}, 3)
        for row, line, value in [(2, "a", "1"), (3, "b", "2")]
    ]
    assert db.execute("select accepted_count from ops.batch order by batch_id").fetchall() == [
        (3,), (1,), (1,),
    ]  # fmt: skip


def test_a_batch_without_rows_is_superseded_and_leaves(db: psycopg.Connection) -> None:
    first = publish_new(db, SCHOOL, [("s1", "a", "1")])
    second = publish_new(db, SCHOOL, [("s1", "a", "2"), ("s2", "a", "3")])
    assert second.superseded == (first.batch_id,)
    assert status(db, first.batch_id) == "superseded"
    assert partitions(db, "forms") == [f"raw.forms__b{second.batch_id}"]


def test_a_quarantined_new_version_leaves_the_old_one(db: psycopg.Connection) -> None:
    publish_new(db, KEY, [("k1", "1", ""), ("k2", "1", "")])
    publish_new(db, KEY, [("k1", "x", ""), ("k2", "2", "")], bad=[0])
    assert rows_of(db, KEY) == [("k1", "1", ""), ("k2", "2", "")]
    publish_new(db, KEY, [("k1", "3", "")])
    assert rows_of(db, KEY) == [("k1", "3", ""), ("k2", "2", "")]
    # What stood in quarantine was answered by the third delivery.
    assert db.execute("select batch_id, status from quality.quarantined_row").fetchall() == [
        (2, "fixed")
    ]


@pytest.mark.parametrize("mark", ["true", "1", "是", " TRUE "])
def test_a_tombstone_removes_its_key(db: psycopg.Connection, mark: str) -> None:
    publish_new(db, KEY, [("k1", "1", "false"), ("k2", "1", "0")])
    gone = publish_new(db, KEY, [("k1", "", mark), ("k3", "", mark)])
    assert (gone.outcome, gone.accepted) == ("published", 2)
    assert rows_of(db, KEY) == [("k2", "1", "0")]
    assert partitions(db, "records") == ["raw.records__b1"]
    publish_new(db, KEY, [("k1", "2", "")])
    assert rows_of(db, KEY) == [("k1", "2", ""), ("k2", "1", "0")]


def test_a_late_batch_does_not_undo_later_ones(db: psycopg.Connection) -> None:
    publish_new(db, KEY, [("k1", "1", ""), ("k4", "1", "")])
    late = audited(db, KEY, [("k1", "2", ""), ("k2", "2", ""), ("k3", "2", ""), ("k4", "2", "")])
    publish_new(db, KEY, [("k1", "3", ""), ("k2", "", "1")])
    result = publish(db, KEY, late)
    assert (result.outcome, result.accepted) == ("published", 4)
    assert rows_of(db, KEY) == [("k1", "3", ""), ("k3", "2", ""), ("k4", "2", "")]
    stale = audited(db, KEY, [("k9", "1", "")])
    publish_new(db, KEY, [("k9", "2", "")])
    assert publish(db, KEY, stale).outcome == "unchanged"
    assert status(db, stale) == "superseded"


def test_outdated_bad_rows_do_not_hold_a_late_batch(db: psycopg.Connection) -> None:
    strict = replace(SCHOOL, max_reject_rate=0.4)
    held = audited(db, strict, [("s1", "a", "x"), ("s2", "a", "1")], bad=[0])
    assert publish(db, strict, held).outcome == "held"
    publish_new(db, strict, [("s1", "a", "2")])
    assert publish(db, strict, held).outcome == "published"
    assert rows_of(db, SCHOOL) == [("s1", "a", "2"), ("s2", "a", "1")]
    assert db.execute("select count(*) from quality.quarantined_row").fetchone() == (0,)


def test_readers_see_a_school_once(db: psycopg.Connection, db_url: str) -> None:
    publish_new(db, SCHOOL, [("s1", "a", "0"), ("s2", "a", "0"), ("s3", "a", "0")])
    batches = [audited(db, SCHOOL, [(f"s{1 + n % 3}", "a", str(n))]) for n in range(1, 13)]
    seen: list[list[str]] = []
    done = threading.Event()

    def read() -> None:
        with psycopg.connect(db_url, autocommit=True) as reader:
            while not done.is_set():
                seen.append([r[0] for r in reader.execute("select school_code from raw.forms")])

    thread = threading.Thread(target=read)
    thread.start()
    for batch in batches:
        publish(db, SCHOOL, batch)
    done.set()
    thread.join()
    assert seen
    assert all(sorted(codes) == ["s1", "s2", "s3"] for codes in seen)


@pytest.mark.parametrize("stage", ["quality.quarantined_row", "raw.superseded_row", "raw.forms"])
def test_a_publisher_cut_off_leaves_everything_as_it_was(
    db: psycopg.Connection, db_url: str, stage: str
) -> None:
    publish_new(db, SCHOOL, [("s1", "a", "1"), ("s2", "a", "1")])
    batch = audited(db, SCHOOL, [("s1", "a", "2"), ("s1", "b", "x")], bad=[1])
    before = state(db)
    with psycopg.connect(db_url) as blocker, psycopg.connect(db_url) as publisher:
        mode = "share" if stage != "raw.forms" else "access share"
        blocker.execute(f"lock table {stage} in {mode} mode")
        pid = publisher.info.backend_pid
        failed: list[Exception] = []

        def work() -> None:
            try:
                publish(publisher, SCHOOL, batch)
            except psycopg.OperationalError as error:
                failed.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        while not db.execute(
            "select 1 from pg_locks where pid = %s and not granted", (pid,)
        ).fetchone():
            db.commit()
        db.execute("select pg_terminate_backend(%s)", (pid,))
        db.commit()
        thread.join()
    assert failed
    assert state(db) == before
    assert publish(db, SCHOOL, batch).outcome == "published"
    assert rows_of(db, SCHOOL) == [("s1", "a", "2"), ("s2", "a", "1")]


def state(db: psycopg.Connection) -> list[object]:
    found: list[object] = [
        rows_of(db, SCHOOL),
        *(
            db.execute(f"select count(*) from {table}").fetchone()
            for table in ("raw.superseded_row", "quality.quarantined_row")
        ),
        db.execute("select batch_id, status from ops.batch order by 1").fetchall(),
    ]
    db.commit()
    return found


def test_rules_of_others_read_all_published_schools(db: psycopg.Connection) -> None:
    publish_new(db, SCHOOL, [("s1", "a", "1"), ("s2", "a", "1")], period="2024-2025")
    publish_new(db, SCHOOL, [("s2", "a", "2")], period="2024-2025")
    publish_new(db, SCHOOL, [("s3", "a", "3")])
    asking = by_hand.contract("asking", (by_hand.column("x"),), ())
    for verb, expected in [("previous", [("s1", "1"), ("s2", "2")]), ("published", [("s3", "3")])]:
        query = f"select school_code, value from {{{verb}:forms}} f order by 1"
        rule = by_hand.table_rule("T-101", query)
        found = rules_sql.resolve(db, asking, PERIOD, rule)
        assert not isinstance(found, rules_sql.NotRun)
        rendered = rules_sql.render(query, asking, sql.SQL("nothing"), PERIOD, found)
        assert db.execute(rendered).fetchall() == expected


def test_a_list_without_periods_reads_all_schools_of_the_newest(db: psycopg.Connection) -> None:
    publish_new(db, SCHOOL, [("s1", "a", "1")], period="2024-2025")
    publish_new(db, SCHOOL, [("s1", "a", "2")])
    publish_new(db, SCHOOL, [("s2", "a", "3")])
    query = "select school_code, value from {published:forms} f order by 1"
    rule = by_hand.table_rule("T-101", query)
    found = rules_sql.resolve(db, KEY, "all", rule)
    assert not isinstance(found, rules_sql.NotRun)
    rendered = rules_sql.render(query, KEY, sql.SQL("nothing"), "all", found)
    assert db.execute(rendered).fetchall() == [("s1", "2"), ("s2", "3")]


# -- against a model in plain Python ----------------------------------------------------------

Delivery = dict[str, list[str]]
"""school or key -> values; a value beginning with x is bad, d deletes the key."""

VALUES = st.sampled_from(["1", "2", "3", "x1"])
SCHOOLS = st.dictionaries(
    st.sampled_from(["s1", "s2", "s3"]), st.lists(VALUES, min_size=1, max_size=3), min_size=1
)
KEYS = st.dictionaries(
    st.sampled_from(["k1", "k2", "k3", "k4"]),
    st.sampled_from(["1", "2", "x1", "d"]).map(lambda value: [value]),
    min_size=1,
)


@dataclass
class Model:
    """What is published: scope -> (number of its delivery, values); deliveries are numbered."""

    held: dict[str, tuple[int, list[str]]] = field(default_factory=dict)

    def publish(self, number: int, delivery: Delivery) -> None:
        for scope, values in delivery.items():
            good = [value for value in values if not value.startswith("x")]
            if good and self.held.get(scope, (-1,))[0] < number:
                self.held[scope] = (number, good)

    def rows(self) -> list[tuple[str, str]]:
        return sorted(
            (scope, value)
            for scope, (_, values) in self.held.items()
            for value in values
            if value != "d"
        )


def as_rows(contract: by_hand.Contract, delivery: Delivery) -> tuple[list[Row], list[int]]:
    rows: list[Row] = [
        (scope, str(n), value)
        if contract.scope == "school"
        else (scope, value, "1" if value == "d" else "")
        for scope, values in delivery.items()
        for n, value in enumerate(values)
    ]
    bad = [n for n, row in enumerate(rows) if any(cell.startswith("x") for cell in row)]
    return rows, bad


NUMBERS = itertools.count()


@pytest.mark.parametrize("made", [SCHOOL, KEY], ids=["school", "key"])
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_order_equals_the_model(
    db: psycopg.Connection, made: by_hand.Contract, data: st.DataObject
) -> None:
    db.rollback()
    contract = replace(made, dataset=f"{made.dataset}_{next(NUMBERS)}")
    strategy: st.SearchStrategy[Delivery] = SCHOOLS if made is SCHOOL else KEYS
    deliveries = data.draw(st.lists(strategy, min_size=1, max_size=6))
    order = data.draw(st.permutations(range(len(deliveries))))
    twice = data.draw(st.lists(st.sampled_from(order), max_size=3))
    batches = []
    for delivery in deliveries:
        rows, bad = as_rows(contract, delivery)
        batches.append(audited(db, contract, rows, bad=bad))
    model = Model()
    for number in [*order, *twice]:
        publish(db, contract, batches[number])
        model.publish(number, deliveries[number])
        shown = [(r[0], r[-1] if made is SCHOOL else r[1]) for r in rows_of(db, contract)]
        assert sorted(shown) == model.rows()
    # No row is lost: it stands in its batch's table, beside it or in quarantine.
    tables = [f"select _row from raw.{contract.dataset}__b{batch}" for batch in batches]
    kept = [
        f"select row_no from {table} where dataset = '{contract.dataset}'"
        for table in ("raw.superseded_row", "quality.quarantined_row")
    ]
    found = db.execute(" union all ".join([*tables, *kept])).fetchall()
    assert len(found) == sum(len(values) for d in deliveries for values in d.values())
