"""Replay: what was mended in quarantine ends where a clean delivery would have ended."""

from collections.abc import Sequence
from dataclasses import replace

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from eduplan.audit import audit
from eduplan.errors import EduplanError
from eduplan.publish import PublishResult, publish
from eduplan.quality import quarantine
from eduplan.replay import replay
from tests.integration import by_hand

PERIOD = "2025-2026"
COLUMNS = (by_hand.column("school_code"), by_hand.column("name"), by_hand.column("age"))
RULES = [
    by_hand.row_rule("T-001", "edu.is_integer(age)", columns=["age"]),
    by_hand.row_rule("T-002", "name <> ''", columns=["name"]),
    by_hand.unique_rule("T-003", ["school_code", "name"], where="name <> ''"),
]
PUPILS = by_hand.contract("pupils", COLUMNS, RULES)
FORMS = replace(
    by_hand.contract("forms", COLUMNS, RULES), scope="school", scope_columns=("school_code",)
)
Row = tuple[str, str, str]


def deliver(
    db: psycopg.Connection, url: str, contract: by_hand.Contract, rows: Sequence[Row]
) -> PublishResult:
    count = db.execute("select count(*) from ops.batch").fetchone()
    batch = by_hand.land_rows(db, contract, PERIOD, rows, content=f"{contract.dataset}{count}")
    audit(url, contract, batch)
    return publish(db, contract, batch)


def replayed(
    db: psycopg.Connection,
    url: str,
    contract: by_hand.Contract,
    ids: Sequence[int] | None = None,
) -> list[PublishResult]:
    done = []
    for landed in replay(db, contract, None, ids, "chen", "更正"):
        assert landed.batch_id is not None
        audit(url, contract, landed.batch_id)
        done.append(publish(db, contract, landed.batch_id))
    return done


def rows_of(db: psycopg.Connection, dataset: str) -> list[Row]:
    found = db.execute(
        sql.SQL("select school_code, name, age from {}").format(sql.Identifier("raw", dataset))
    ).fetchall()
    db.commit()
    return sorted(found)


def records(db: psycopg.Connection, dataset: str) -> dict[int, tuple[int, str, list[str]]]:
    """Return row number -> (id, status, rules)."""
    found = db.execute(
        "select row_no, quarantine_id, status, rules from quality.quarantined_row"
        " where dataset = %s order by row_no",
        (dataset,),
    ).fetchall()
    db.commit()
    return {row: (number, status, rules) for row, number, status, rules in found}


def events(db: psycopg.Connection, number: int) -> list[tuple[str, str, str, str, int]]:
    found = db.execute(
        "select action, from_status, to_status, actor, batch_id from quality.quarantine_event"
        " where quarantine_id = %s order by event_id",
        (number,),
    ).fetchall()
    db.commit()
    return found


BAD = [("s1", "甲", "7"), ("s1", "乙", "x"), ("s2", "丙", "8"), ("s2", "", "9")]


@pytest.mark.parametrize("contract", [PUPILS, FORMS], ids=["period", "school"])
def test_hold_fix_replay(db: psycopg.Connection, db_url: str, contract: by_hand.Contract) -> None:
    first = deliver(db, db_url, contract, BAD)
    assert (first.accepted, first.quarantined) == (2, 2)
    found = records(db, contract.dataset)
    number = found[3][0]
    with db.transaction():
        assert quarantine.edit(db, contract, number, {"age": "6"}, "chen", "学校电话核实")
    (done,) = replayed(db, db_url, contract, [number])
    assert done.outcome == "published"
    assert rows_of(db, contract.dataset) == [
        ("s1", "乙", "6"), ("s1", "甲", "7"), ("s2", "丙", "8"),
    ]  # fmt: skip
    assert records(db, contract.dataset)[3][1] == "fixed"
    assert records(db, contract.dataset)[5][1] == "open"
    assert events(db, number) == [
        ("edited", "open", "open", "chen", first.batch_id),
        ("fixed", "open", "fixed", "chen", done.batch_id),
    ]
    changed = db.execute(
        "select before, after from quality.quarantine_event where action = 'edited'"
    ).fetchall()
    db.commit()
    assert changed == [({"age": "x"}, {"age": "6"})]
    other = found[5][0]
    moved = db.execute(
        "select batch_id, payload from quality.quarantined_row where quarantine_id = %s", (other,)
    ).fetchone()
    db.commit()
    # The period is judged again as a whole, of the schools only the one concerned.
    judged_again = contract is PUPILS
    assert moved == (
        done.batch_id if judged_again else first.batch_id,
        {"school_code": "s2", "name": "", "age": "9"},
    )
    assert [e[0] for e in events(db, other)] == (["replayed"] if judged_again else [])


def test_a_replay_that_does_not_help_keeps_the_record(db: psycopg.Connection, db_url: str) -> None:
    deliver(db, db_url, PUPILS, BAD)
    number = records(db, "pupils")[3][0]
    with db.transaction():
        quarantine.edit(db, PUPILS, number, {"name": "", "age": "y"}, "chen", "试")
    replayed(db, db_url, PUPILS, [number])
    assert records(db, "pupils")[3] == (number, "open", ["T-001", "T-002"])
    assert len(rows_of(db, "pupils")) == 2


def test_a_rule_change_judges_published_rows_too(db: psycopg.Connection, db_url: str) -> None:
    deliver(db, db_url, PUPILS, BAD)
    strict = replace(
        PUPILS, rules=(*PUPILS.rules, by_hand.row_rule("T-009", "age <> '7'", columns=["age"]))
    )
    (done,) = replayed(db, db_url, strict)
    assert rows_of(db, "pupils") == [("s2", "丙", "8")]
    assert records(db, "pupils")[2][1:] == ("open", ["T-009"])
    assert done.quarantined == 3
    # The rule was wrong after all.
    replayed(db, db_url, PUPILS)
    assert rows_of(db, "pupils") == [("s1", "甲", "7"), ("s2", "丙", "8")]
    assert records(db, "pupils")[2][1] == "fixed"
    # And is brought back: it is the same record again.
    number = records(db, "pupils")[2][0]
    replayed(db, db_url, strict)
    assert records(db, "pupils")[2][:2] == (number, "open")
    assert [e[0] for e in events(db, number)] == ["fixed", "reopened"]


def test_a_released_row_is_published_and_stays(db: psycopg.Connection, db_url: str) -> None:
    deliver(db, db_url, PUPILS, BAD)
    number = records(db, "pupils")[3][0]
    with db.transaction():
        assert quarantine.decide(db, PUPILS, [number], "released", "chen", "特殊情况") == 1
    for _ in range(2):
        replayed(db, db_url, PUPILS)
        assert ("s1", "乙", "x") in rows_of(db, "pupils")
        assert records(db, "pupils")[3][1] == "released"
    with db.transaction():
        quarantine.reopen(db, PUPILS, [number], "chen", "弄错了")
    replayed(db, db_url, PUPILS, [number])
    assert ("s1", "乙", "x") not in rows_of(db, "pupils")
    assert records(db, "pupils")[3][1] == "open"


def test_structure_is_never_released(db: psycopg.Connection, db_url: str) -> None:
    deliver(db, db_url, PUPILS, [("s1", "甲", "7"), ("s1", "甲", "8"), ("s1", "乙", "9")])
    found = records(db, "pupils")
    with pytest.raises(EduplanError, match=r"cannot be released: T-003"), db.transaction():
        quarantine.decide(db, PUPILS, [found[2][0]], "released", "chen", "x")
    # With its twin refused the row is alone, and passes.
    with db.transaction():
        quarantine.decide(db, PUPILS, [found[3][0]], "rejected", "chen", "重复登记")
    replayed(db, db_url, PUPILS, [found[2][0]])
    assert rows_of(db, "pupils") == [("s1", "乙", "9"), ("s1", "甲", "7")]
    assert [r[1] for r in records(db, "pupils").values()] == ["fixed", "rejected"]


def test_a_pending_replay_is_resumed_or_gives_way(db: psycopg.Connection, db_url: str) -> None:
    deliver(db, db_url, PUPILS, BAD)
    number = records(db, "pupils")[3][0]
    (first,) = replay(db, PUPILS, None, [number], "chen", "试")
    (again,) = replay(db, PUPILS, None, [number], "chen", "试")
    assert (first.outcome, again.outcome) == ("landed", "resumed")
    assert first.batch_id == again.batch_id
    with db.transaction():
        quarantine.edit(db, PUPILS, number, {"age": "6"}, "chen", "更正")
    (third,) = replay(db, PUPILS, None, [number], "chen", "试")
    assert (third.outcome, third.batch_id) == ("landed", (first.batch_id or 0) + 1)
    assert db.execute(
        "select status from ops.batch where batch_id = %s", (first.batch_id,)
    ).fetchone() == ("superseded",)
    db.commit()


def test_a_later_delivery_goes_before_a_replay(db: psycopg.Connection, db_url: str) -> None:
    """The replay has the higher number; the delivery is newer all the same."""
    for contract in (PUPILS, FORMS):
        deliver(db, db_url, contract, BAD)
        number = records(db, contract.dataset)[3][0]
        new = by_hand.land_rows(db, contract, PERIOD, [("s1", "丁", "5")], content="new")
        replayed(db, db_url, contract, [number])
        audit(db_url, contract, new)
        assert publish(db, contract, new).outcome == "published"
        rest = [] if contract is PUPILS else [("s2", "丙", "8")]
        assert rows_of(db, contract.dataset) == [("s1", "丁", "5"), *rest]
        assert records(db, contract.dataset)[3][1] == "fixed"
        assert events(db, number)[-1][3:] == ("eduplan", new)
        with pytest.raises(EduplanError, match="is fixed"):
            replay(db, contract, None, [number], "chen", "x")


def test_a_delivery_answers_what_the_one_before_left_open(
    db: psycopg.Connection, db_url: str
) -> None:
    deliver(db, db_url, PUPILS, [*BAD, ("s3", "戊", "z")])
    found = records(db, "pupils")
    with db.transaction():
        quarantine.decide(db, PUPILS, [found[5][0]], "waived", "chen", "x")
        quarantine.decide(db, PUPILS, [found[6][0]], "rejected", "chen", "x")
    second = deliver(db, db_url, PUPILS, BAD[:1])
    assert [status for _, status, _ in records(db, "pupils").values()] == [
        "fixed", "fixed", "rejected",
    ]  # fmt: skip
    assert events(db, found[5][0])[-1] == ("fixed", "waived", "fixed", "eduplan", second.batch_id)
    with pytest.raises(EduplanError, match="is history"), db.transaction():
        quarantine.reopen(db, PUPILS, [found[6][0]], "chen", "x")


def test_a_reopened_row_is_judged_with_its_correction(db: psycopg.Connection, db_url: str) -> None:
    deliver(db, db_url, PUPILS, BAD)
    number = records(db, "pupils")[3][0]
    with db.transaction():
        quarantine.decide(db, PUPILS, [number], "released", "chen", "特殊情况")
    replayed(db, db_url, PUPILS)
    with db.transaction():
        quarantine.reopen(db, PUPILS, [number], "chen", "弄错了")
        quarantine.edit(db, PUPILS, number, {"age": "6"}, "chen", "更正")
    replayed(db, db_url, PUPILS, [number])
    assert ("s1", "乙", "6") in rows_of(db, "pupils")
    assert records(db, "pupils")[3][1] == "fixed"


def test_a_row_refused_after_it_stood_leaves_and_stays_refused(
    db: psycopg.Connection, db_url: str
) -> None:
    deliver(db, db_url, PUPILS, BAD)
    number = records(db, "pupils")[3][0]
    with db.transaction():
        quarantine.decide(db, PUPILS, [number], "released", "chen", "特殊情况")
    replayed(db, db_url, PUPILS)
    with db.transaction():
        quarantine.reopen(db, PUPILS, [number], "chen", "弄错了")
        quarantine.decide(db, PUPILS, [number], "rejected", "chen", "查无此人")
    replayed(db, db_url, PUPILS)
    assert ("s1", "乙", "x") not in rows_of(db, "pupils")
    assert records(db, "pupils")[3][1] == "rejected"


@pytest.mark.parametrize("contract", [PUPILS, FORMS], ids=["period", "school"])
def test_a_delivery_answers_what_was_released_and_never_published(
    db: psycopg.Connection, db_url: str, contract: by_hand.Contract
) -> None:
    deliver(db, db_url, contract, [*BAD, ("s1", "戊", "z")])
    dataset = contract.dataset
    found = records(db, dataset)
    with db.transaction():
        quarantine.decide(db, contract, [found[3][0]], "released", "chen", "特殊情况")
    replayed(db, db_url, contract, [found[3][0]])
    with db.transaction():
        quarantine.decide(db, contract, [found[6][0]], "released", "chen", "特殊情况")
    second = deliver(db, db_url, contract, BAD[:1])
    assert records(db, dataset)[3][1] == "released"  # it was published, and is history
    assert records(db, dataset)[6][1] == "fixed"
    assert events(db, found[6][0])[-1] == (
        "fixed", "released", "fixed", "eduplan", second.batch_id,
    )  # fmt: skip


def test_what_is_open_outlasts_the_rows_beside_it(db: psycopg.Connection, db_url: str) -> None:
    """Another delivery replaced all that stood of this one: its bad row still waits."""
    first = deliver(db, db_url, FORMS, [("s1", "甲", "7"), ("s2", "乙", "x")])
    second = deliver(db, db_url, FORMS, [("s1", "丙", "8")])
    number = records(db, "forms")[3][0]
    assert second.superseded == ()
    with db.transaction():
        quarantine.edit(db, FORMS, number, {"age": "6"}, "chen", "更正")
    (done,) = replayed(db, db_url, FORMS, [number])
    assert done.outcome == "published"
    assert done.superseded == (first.batch_id,)  # nothing is left of it
    assert rows_of(db, "forms") == [("s1", "丙", "8"), ("s2", "乙", "6")]
    assert records(db, "forms")[3][1] == "fixed"


KEYS = replace(
    by_hand.contract(
        "keys",
        (by_hand.column("code"), by_hand.column("age"), by_hand.column("deleted")),
        [by_hand.row_rule("T-001", "edu.is_integer(age)", columns=["age"])],
    ),
    scope="key",
    scope_columns=("code",),
    tombstone="deleted",
)


def test_replays_of_keys_bring_nothing_back(db: psycopg.Connection, db_url: str) -> None:
    def alive() -> list[str]:
        return by_hand.published(db, "keys", "code")

    deliver(db, db_url, KEYS, [("k1", "1", ""), ("k2", "x", ""), ("k3", "3", "")])
    deliver(db, db_url, KEYS, [("k1", "1", "true"), ("k3", "y", "")])
    replayed(db, db_url, KEYS)
    assert alive() == ["k3"]
    number = {
        code: of
        for of, code in db.execute(
            "select quarantine_id, payload ->> 'code' from quality.quarantined_row"
        )
    }
    with db.transaction():
        quarantine.edit(db, KEYS, number["k2"], {"age": "2"}, "chen", "x")
        quarantine.edit(db, KEYS, number["k3"], {"age": "3", "deleted": "true"}, "chen", "x")
    replayed(db, db_url, KEYS, [number["k2"]])
    assert alive() == ["k2", "k3"]
    replayed(db, db_url, KEYS, [number["k3"]])
    assert alive() == ["k2"]
    deliver(db, db_url, KEYS, [("k2", "2", "true")])
    replayed(db, db_url, KEYS)
    assert alive() == []


_age = st.sampled_from(["5", "6", "x", ""])
_defect = st.tuples(st.sampled_from(["s1", "s2", "s3"]), st.sampled_from(["", "a", "b"]), _age)
_good = st.sampled_from(["5", "6", "7"])


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    rows=st.lists(_defect, min_size=1, max_size=8),
    ages=st.lists(_good, min_size=8, max_size=8),
    order=st.randoms(use_true_random=False),
    is_school=st.booleans(),
)
def test_hold_fix_replay_equals_a_clean_delivery(
    db: psycopg.Connection,
    db_url: str,
    rows: list[Row],
    ages: list[str],
    order: object,
    is_school: bool,
) -> None:
    """Whatever was wrong, and in whatever portions it is mended."""
    base = FORMS if is_school else PUPILS
    count = db.execute("select count(*) from ops.batch").fetchone()
    contract = replace(base, dataset=f"{base.dataset}_{count[0] if count else 0}")
    # Mended: each name once in its school, every age a number.
    clean = [(s, f"{n or 'c'}{i}", ages[i]) for i, (s, n, _) in enumerate(rows)]
    deliver(db, db_url, contract, rows)
    numbers = [(row, number) for row, (number, _, _) in records(db, contract.dataset).items()]
    order.shuffle(numbers)  # type: ignore[attr-defined]
    half = len(numbers) // 2
    stood = {row: rows[row - 2] for row in range(2, len(rows) + 2)}
    for portion in (numbers[:half], numbers[half:]):
        # A row whose only fault was its twin passed when the twin was mended: it stands as it is.
        todo = [(row, number) for row, number in portion if is_open(db, number)]
        with db.transaction():
            for row, number in todo:
                s, n, a = stood[row] = clean[row - 2]
                quarantine.edit(
                    db, contract, number, {"school_code": s, "name": n, "age": a}, "chen", "更正"
                )
        if todo:
            replayed(db, db_url, contract, [number for _, number in todo])
    untouched = replace(contract, dataset=f"{contract.dataset}_clean")
    assert deliver(db, db_url, untouched, list(stood.values())).quarantined == 0
    assert rows_of(db, contract.dataset) == rows_of(db, untouched.dataset)
    assert {status for _, status, _ in records(db, contract.dataset).values()} <= {"fixed"}


def is_open(db: psycopg.Connection, number: int) -> bool:
    row = db.execute(
        "select status = 'open' from quality.quarantined_row where quarantine_id = %s", (number,)
    ).fetchone()
    db.commit()
    return bool(row and row[0])
