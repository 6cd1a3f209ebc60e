"""Held batches: what a person is asked, what their decision does. Expected values by hand."""

from pathlib import Path

import psycopg
import pytest

from eduplan.audit import audit
from eduplan.errors import EduplanError
from eduplan.publish import publish
from eduplan.quality import request, review
from tests.integration import by_hand

PERIOD = "2025-2026"
CONTRACT = by_hand.contract(
    "pupils",
    (
        by_hand.column("school_code", "学校标识码"),
        by_hand.column("name", "姓名", personal="direct"),
        by_hand.column("age", "年龄"),
    ),
    [
        by_hand.row_rule("T-001", "age <> 'x'", columns=["age"]),
        by_hand.row_rule("T-002", "name not like '%?%'", severity="warning", columns=["name"]),
        by_hand.row_rule("T-003", "name not like '%*%'", columns=["name", "age"]),
        by_hand.unique_rule("T-004", ["name"]),
    ],
    max_reject_rate=0.1,
)
ROWS = [
    ("s1", "欧阳甲", "7"), ("s1", "欧阳乙", "x"), ("s2", "欧阳丙*", "8|[a](b)"), ("s2", "丁?", "9"),
    ("s2", "欧阳戊", "8"), ("s2", "欧阳戊", "8"),
]  # fmt: skip


def hold(db: psycopg.Connection, url: str, content: str = "") -> tuple[int, int]:
    """Hold a batch of ROWS; return the ids of the batch and its review."""
    batch = by_hand.land_rows(db, CONTRACT, PERIOD, ROWS, content=content)
    audit(url, CONTRACT, batch)
    assert publish(db, CONTRACT, batch).outcome == "held"
    return batch, review.find(db, batch_id=batch).review_id


def state(db: psycopg.Connection, review_id: int) -> tuple[object, ...]:
    row = db.execute(
        "select r.status, r.decision, r.decided_by, r.decided_why, b.status"
        " from quality.review r join ops.batch b using (batch_id) where review_id = %s",
        (review_id,),
    ).fetchone()
    assert row is not None
    return row


@pytest.mark.parametrize(
    ("decision", "names", "quarantined"),
    [
        # T-004 is structural: the two rows that repeat a name stay out either way.
        ("release", ["丁?", "欧阳丙*", "欧阳乙", "欧阳甲"], 2),
        ("release_clean", ["丁?", "欧阳甲"], 4),
    ],
)
def test_a_released_batch_is_published(
    db: psycopg.Connection, db_url: str, decision: str, names: list[str], quarantined: int
) -> None:
    batch, asked = hold(db, db_url)
    review.decide(db, asked, decision, "王老师", " 已核实 ")
    assert state(db, asked) == ("decided", decision, "王老师", "已核实", "held")
    result = publish(db, CONTRACT, batch)
    assert (result.outcome, result.quarantined) == ("published", quarantined)
    assert by_hand.published(db, "pupils", "name") == sorted(names)
    assert state(db, asked) == ("decided", decision, "王老师", "已核实", "published")
    released = db.execute(
        "select count(*), min(decided_by) from quality.quarantined_row where status = 'released'"
    ).fetchone()
    assert released == ((2, "王老师") if decision == "release" else (0, None))


def test_a_rejected_batch_is_refused_at_once(db: psycopg.Connection, db_url: str) -> None:
    batch, asked = hold(db, db_url)
    review.decide(db, asked, "reject", "王老师", "整表不对")
    assert state(db, asked) == ("decided", "reject", "王老师", "整表不对", "rejected")
    with pytest.raises(EduplanError, match="rejected and cannot be published"):
        publish(db, CONTRACT, batch)


def test_the_same_decision_twice_is_one_and_another_is_refused(
    db: psycopg.Connection, db_url: str
) -> None:
    _, asked = hold(db, db_url)
    review.decide(db, asked, "release_clean", "王老师", "一")
    review.decide(db, asked, "release_clean", "李老师", "二")
    assert state(db, asked)[:4] == ("decided", "release_clean", "王老师", "一")
    with pytest.raises(EduplanError, match="decided on before: release_clean, by 王老师"):
        review.decide(db, asked, "reject", "李老师", "二")
    assert state(db, asked)[4] == "held"


def test_a_decision_on_an_outdated_batch_says_so(db: psycopg.Connection, db_url: str) -> None:
    batch, asked = hold(db, db_url)
    later = by_hand.land_rows(db, CONTRACT, PERIOD, ROWS[:1])
    audit(db_url, CONTRACT, later)
    assert publish(db, CONTRACT, later).superseded == (batch,)
    assert state(db, asked)[0] == "withdrawn"
    with pytest.raises(EduplanError, match="superseded, not held any more"):
        review.decide(db, asked, "release", "王老师", "晚了")
    assert state(db, asked) == ("withdrawn", None, None, None, "superseded")


def test_nobody_answers_nothing_is_published_and_it_is_asked_anew(
    db: psycopg.Connection, db_url: str
) -> None:
    batch, asked = hold(db, db_url)
    assert review.expire(db, asked)
    assert state(db, asked) == ("expired", None, None, None, "held")
    assert by_hand.published(db, "pupils", "name") == []
    db.commit()
    assert publish(db, CONTRACT, batch).outcome == "held"
    anew = review.find(db, batch_id=batch)
    assert (anew.review_id > asked, anew.status) == (True, "waiting")
    with pytest.raises(EduplanError, match="out of date"):
        review.decide(db, asked, "release", "王老师", "旧")
    review.decide(db, anew.review_id, "release_clean", "王老师", "新")
    assert not review.expire(db, anew.review_id)
    assert publish(db, CONTRACT, batch).outcome == "published"


def test_an_expired_request_may_still_be_answered(db: psycopg.Connection, db_url: str) -> None:
    _, asked = hold(db, db_url)
    review.expire(db, asked)
    review.decide(db, asked, "reject", "王老师", "")
    assert state(db, asked) == ("decided", "reject", "王老师", "", "rejected")


def test_airflow_asks_once(db: psycopg.Connection, db_url: str) -> None:
    batch, asked = hold(db, db_url)
    assert review.unasked(db, "pupils") == [asked]
    assert review.unasked(db, "teachers") == []
    assert review.claim(db, asked, "review_1")
    db.commit()
    assert publish(db, CONTRACT, batch).outcome == "held"  # judged again: still the same request
    assert review.unasked(db, "pupils") == []
    review.decide(db, asked, "reject", "王老师", "")
    assert not review.claim(db, asked, "review_1")


def test_the_request_says_what_is_wrong_and_shows_no_name(
    db: psycopg.Connection, db_url: str
) -> None:
    batch, asked = hold(db, db_url)
    assert request.subject(db, CONTRACT, asked) == f"pupils {PERIOD}：第 {batch} 批等待审核"
    text = request.body(db, CONTRACT, asked, previewed=True)
    lines = text.splitlines()
    assert "共 6 行，其中 4 行有严重问题。" in lines[0]
    assert "- 严重错误 4 行，占全部 6 行的 66.67%，超过允许的 10.00%" in lines
    table = [line.split(" | ")[:5] for line in lines if line.startswith("| T-")]
    assert [row for row in table if row[3] in ("严重", "提示")] == [
        ["| T-004", "2", "33.33%", "严重", "否"],
        ["| T-001", "1", "16.67%", "严重", "是"],
        ["| T-003", "1", "16.67%", "严重", "是"],
        ["| T-002", "1", "16.67%", "提示", "—"],
    ]
    examples = [line for line in lines if f"| {PERIOD}.csv |" in line]
    assert examples == [
        f"| T-004 | {PERIOD}.csv | 6 | 姓名：欧＊＊＊ |",
        f"| T-004 | {PERIOD}.csv | 7 | 姓名：欧＊＊＊ |",
        f"| T-001 | {PERIOD}.csv | 3 | 年龄：x |",
        # No other cell of the table, no link.
        f"| T-003 | {PERIOD}.csv | 4 | 姓名：欧＊＊＊；年龄：8\\|\\[a\\]\\(b\\) |",
    ]
    assert "欧阳" not in text
    assert "没有已发布的指标会变动。" in lines
    assert "没有算成" in request.body(db, CONTRACT, asked, previewed=False)


def test_the_request_shows_the_largest_moves_first(db: psycopg.Connection, db_url: str) -> None:
    _, asked = hold(db, db_url)
    db.cursor().executemany(
        "insert into quality.review_move values (%s, %s, %s, '450421', '苍梧县', '2025-2026',"
        " %s, %s, %s, %s)",
        [
            (asked, "release", "TEA-01", 80, 84, "on_track", "on_track"),
            (asked, "release_clean", "TEA-01", 80, 72, "on_track", "off_track"),
            (asked, "release_clean", "TEA-02", 50, 51, None, None),
            (asked, "release_clean", "TEA-03", None, 3, None, "met"),
        ],
    )
    text = request.body(db, CONTRACT, asked)
    moves = [line for line in text.splitlines() if line.startswith(("| TEA", "**剔除", "**发布"))]
    assert moves == [
        "**剔除问题行后发布**：3 项",
        "| TEA-03  | 苍梧县 | 2025-2026 | 无 | 3.00 | 无 → met |",
        "| TEA-01  | 苍梧县 | 2025-2026 | 80.00 | 72.00 | on_track → off_track |",
        "| TEA-02  | 苍梧县 | 2025-2026 | 50.00 | 51.00 | — |",
        "**发布全部可放行的行**：1 项",
        "| TEA-01  | 苍梧县 | 2025-2026 | 80.00 | 84.00 | on_track |",
    ]


def test_the_command_line(
    db: psycopg.Connection, db_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A real contract: teachers of whom most fail a rule."""
    from typer.testing import CliRunner

    from eduplan.cli import app

    monkeypatch.setenv("EDUPLAN_DATABASE_URL", db_url)
    monkeypatch.setenv("EDUPLAN_HOME", str(tmp_path))
    batch = db.execute(
        "insert into ops.batch (dataset, period, status, content_hash, contract_version,"
        " contract_hash, row_count, held_reason, scope) values ('teachers', %s, 'held', 'h', '1',"
        " 'h', 9, 'x', 'period') returning batch_id",
        (PERIOD,),
    ).fetchone()[0]  # type: ignore[index]
    from eduplan.ingest import contract_of
    from eduplan.settings import load_settings

    teachers = contract_of(load_settings(), "teachers")
    review.ask(db, teachers, {"batch_id": batch, "period": PERIOD, "row_count": 9}, ["人数骤减"], 0)
    db.commit()
    run = CliRunner().invoke
    listed = run(app, ["review", "list", "--status", "waiting", "-f", "csv"])
    assert f"{batch},teachers,{PERIOD},waiting,held,9,0,0" in listed.output
    shown = run(app, ["review", "show", str(batch)])
    assert "- 人数骤减\n" in shown.output
    assert "尚无预览" in shown.output
    args = ["review", "decide", str(batch), "reject", "--why", "只有一个县"]
    assert "is rejected" in run(app, [*args, "--by", "王老师"]).output
    assert state(db, 1) == ("decided", "reject", "王老师", "只有一个县", "rejected")
    assert isinstance(run(app, ["review", "show", "999"]).exception, EduplanError)
