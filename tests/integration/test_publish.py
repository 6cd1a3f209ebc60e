"""Publishing hand-made, audited batches: rows move, partitions change, nothing is half done."""

import threading
from importlib import resources

import psycopg
import pytest

from eduplan.audit import audit
from eduplan.errors import AuditError, EduplanError
from eduplan.publish import publish
from tests.integration import by_hand

PERIOD = "2025-2026"
COLUMNS = (
    by_hand.column("school_code", "学校标识码"),
    by_hand.column("name", "姓名", personal="direct"),
    by_hand.column("age", "年龄"),
)
CONTRACT = by_hand.contract(
    "pupils",
    COLUMNS,
    [
        by_hand.row_rule("T-001", "age <> 'x'", columns=["age"]),
        by_hand.row_rule("T-002", "name not like '%?%'", severity="warning", columns=["name"]),
        by_hand.table_rule("T-101", "select '行数', '0' from {batch} having count(*) < 2"),
    ],
    max_reject_rate=0.5,
)


def status(db: psycopg.Connection, batch_id: int) -> str:
    row = db.execute("select status from ops.batch where batch_id = %s", (batch_id,)).fetchone()
    assert row is not None
    return str(row[0])


def landed(db: psycopg.Connection, url: str, *names: str, period: str = PERIOD) -> int:
    """Land and audit one row per name; a name ending in ! gets a critical age."""
    rows = [("s1", name, "x" if name.endswith("!") else "7") for name in names]
    batch = by_hand.land_rows(db, CONTRACT, period, rows)
    audit(url, CONTRACT, batch)
    return batch


def test_bad_rows_move_to_quarantine(db: psycopg.Connection, db_url: str) -> None:
    batch = landed(db, db_url, "甲", "乙?!", "丙?")
    result = publish(db, CONTRACT, batch)
    assert (result.outcome, result.accepted, result.quarantined) == ("published", 2, 1)
    assert by_hand.published(db, "pupils", "name") == ["丙?", "甲"]
    moved = db.execute(
        "select dataset, period, file_no, row_no, payload, rules, reasons, status"
        " from quality.quarantined_row"
    ).fetchall()
    assert moved == [
        (
            "pupils", PERIOD, 1, 3, {"school_code": "s1", "name": "乙?!", "age": "x"},
            ["T-001", "T-002"],
            [
                "「年龄」：T-001不符。改法：请改正T-001。",
                "「姓名」：T-002不符。改法：请改正T-002。",
            ],
            "open",
        )
    ]  # fmt: skip
    assert db.execute(
        "select accepted_count, quarantined_count, warning_count from ops.batch"
    ).fetchall() == [(2, 1, 1)]


def test_publishing_twice_changes_nothing(db: psycopg.Connection, db_url: str) -> None:
    batch = landed(db, db_url, "甲", "乙!")
    publish(db, CONTRACT, batch)
    again = publish(db, CONTRACT, batch)
    assert (again.outcome, again.accepted, again.quarantined) == ("unchanged", 1, 1)
    assert by_hand.published(db, "pupils", "name") == ["甲"]
    assert audit(db_url, CONTRACT, batch).critical_rows == 1  # recorded, not judged anew
    assert status(db, batch) == "published"


def test_a_new_batch_supersedes_its_period_only(db: psycopg.Connection, db_url: str) -> None:
    earlier = landed(db, db_url, "丁", "戊", period="2024-2025")
    first = landed(db, db_url, "甲", "乙")
    second = landed(db, db_url, "甲", "丙")
    for batch in (earlier, first):
        publish(db, CONTRACT, batch)
    result = publish(db, CONTRACT, second)
    assert result.superseded == (first,)
    assert by_hand.published(db, "pupils", "name") == ["丁", "丙", "戊", "甲"]
    assert [status(db, b) for b in (earlier, first, second)] == [
        "published", "superseded", "published",
    ]  # fmt: skip
    kept = db.execute(f"select name from raw.pupils__b{first} order by 1").fetchall()
    assert kept == [("乙",), ("甲",)]


def test_an_older_batch_never_replaces_a_newer_one(db: psycopg.Connection, db_url: str) -> None:
    older, newer = landed(db, db_url, "甲", "乙"), landed(db, db_url, "甲", "丙")
    publish(db, CONTRACT, newer)
    assert publish(db, CONTRACT, older).outcome == "unchanged"
    assert status(db, older) == "superseded"
    assert by_hand.published(db, "pupils", "name") == ["丙", "甲"]


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["丙"], "T-101 T-101不符（行数：0）"),
        (["丙!", "丁!", "戊"], "严重错误 2 行，占全部 3 行的 66.67%，超过允许的 50.00%"),
    ],
)
def test_a_held_batch_leaves_everything_as_it_was(
    db: psycopg.Connection, db_url: str, names: list[str], reason: str
) -> None:
    good = landed(db, db_url, "甲", "乙")
    publish(db, CONTRACT, good)
    held = landed(db, db_url, *names)
    result = publish(db, CONTRACT, held)
    assert (result.outcome, result.reasons) == ("held", (reason,))
    assert by_hand.published(db, "pupils", "name") == ["乙", "甲"]
    assert db.execute("select count(*) from quality.quarantined_row").fetchone() == (0,)
    assert [status(db, b) for b in (good, held)] == ["published", "held"]
    assert db.execute("select held_reason from ops.batch where status = 'held'").fetchall() == [
        (reason,)
    ]
    assert publish(db, CONTRACT, held).outcome == "held"


def test_a_held_batch_is_published_once_its_cause_is_gone(
    db: psycopg.Connection, db_url: str
) -> None:
    batch = landed(db, db_url, "丙")
    assert publish(db, CONTRACT, batch).outcome == "held"
    tolerant = by_hand.contract("pupils", COLUMNS, CONTRACT.rules[:2])
    audit(db_url, tolerant, batch)
    assert publish(db, tolerant, batch).outcome == "published"
    assert by_hand.published(db, "pupils", "name") == ["丙"]


def test_nothing_unaudited_is_published(db: psycopg.Connection) -> None:
    batch = by_hand.land_rows(db, CONTRACT, PERIOD, [("s1", "甲", "7")])
    with pytest.raises(AuditError, match="was not audited"):
        publish(db, CONTRACT, batch)
    with pytest.raises(EduplanError, match="no batch 99"):
        publish(db, CONTRACT, 99)


def test_attaching_does_not_scan_the_rows(db: psycopg.Connection, db_url: str) -> None:
    batch = landed(db, db_url, "甲", "乙")
    db.execute("set client_min_messages = debug1")
    db.commit()
    notices: list[str] = []
    db.add_notice_handler(lambda note: notices.append(note.message_primary or ""))
    publish(db, CONTRACT, batch)
    assert any("implied by existing constraints" in note for note in notices)


def test_rows_of_a_held_batch_are_listed(db: psycopg.Connection, db_url: str) -> None:
    held = landed(db, db_url, "丙!", "丁!", "戊")
    assert publish(db, CONTRACT, held).outcome == "held"
    query = (resources.files("eduplan") / "sql/listing/quarantine.sql").read_text("utf-8")
    anything = dict.fromkeys(["dataset", "period", "batch", "rule", "status"])
    rows = db.execute(query, anything | {"batch": held, "status": "open", "limit": 9}).fetchall()  # type: ignore[arg-type]
    assert [(row[0], row[6], row[7]) for row in rows] == [(None, 2, "T-001"), (None, 3, "T-001")]


def test_readers_see_one_batch_or_the_other(db: psycopg.Connection, db_url: str) -> None:
    deliveries = [("甲", "乙", "丙!"), ("丁", "戊", "己!"), ("庚", "辛", "壬!")] * 3
    batches = [
        landed(db, db_url, *(f"{name[0]}{round_}{name[1:]}" for name in names))
        for round_, names in enumerate(deliveries)
    ]
    publish(db, CONTRACT, batches[0])
    whole = [
        sorted(f"{name}{round_}" for name in names[:2]) for round_, names in enumerate(deliveries)
    ]
    seen: list[list[str]] = []
    done = threading.Event()

    def read() -> None:
        with psycopg.connect(db_url, autocommit=True) as reader:
            while not done.is_set():
                seen.append([r[0] for r in reader.execute("select name from raw.pupils")])

    thread = threading.Thread(target=read)
    thread.start()
    for batch in batches[1:]:
        publish(db, CONTRACT, batch)
    done.set()
    thread.join()
    assert seen
    assert all(sorted(names) in whole for names in seen)


def test_publishers_of_one_dataset_take_turns(db: psycopg.Connection, db_url: str) -> None:
    batches = [landed(db, db_url, f"甲{n}", f"乙{n}") for n in range(4)]
    errors: list[Exception] = []

    def work(batch: int) -> None:
        try:
            with psycopg.connect(db_url) as conn:
                publish(conn, CONTRACT, batch)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(batch,)) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert [status(db, b) for b in batches] == ["superseded"] * 3 + ["published"]
    assert by_hand.published(db, "pupils", "name") == ["乙3", "甲3"]
