"""Replays on the command line and killed anywhere; what a decision on a held batch publishes."""

import os
import signal
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from eduplan import cli, ingest
from eduplan.audit import audit
from eduplan.publish import publish
from eduplan.replay import replay
from eduplan.settings import Settings
from tests.integration import by_hand
from tests.integration.test_ingest_kill import HEADER, deliver, project, start, wait_for
from tests.integration.test_replay import FORMS, PERIOD, PUPILS, events, records, replayed, rows_of
from tests.integration.test_replay import deliver as deliver_rows

# b: no number. The line with three cells cannot be split.
DELIVERY = HEADER + "a,7\nb,老\nc,9,9\n"


@pytest.fixture
def settings(tmp_path: Path, db_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A project with one published delivery that left a row and a line in quarantine."""
    made = project(tmp_path, db_url)
    (made.project_dir / "expectations/pupils/pupils.odcs.yaml").write_text(
        (made.project_dir / "expectations/pupils/pupils.odcs.yaml")
        .read_text(encoding="utf-8")
        .replace("maxRejectRate, value: 0.6", "maxRejectRate, value: 0.9"),
        encoding="utf-8",
    )
    deliver(made, DELIVERY)
    assert ingest.ingest(made, "pupils").ok
    for name, value in {
        "PROJECT_DIR": made.project_dir, "HOME": made.home, "SOURCE_ROOT": made.source_root,
        "DATABASE_URL": made.database_url, "USER": "chen",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"EDUPLAN_{name}", str(value))
    return made


def published(db: psycopg.Connection) -> list[tuple[str, str]]:
    found = db.execute("select code, age from raw.pupils order by 1").fetchall()
    db.commit()
    return found


def run(*words: str, fails: bool = False) -> str:
    result = CliRunner().invoke(cli.app, ["quarantine", *words])
    assert (result.exit_code != 0) == fails, (result.output, result.exception)
    return result.output


def test_the_way_back_in_on_the_command_line(settings: Settings, db: psycopg.Connection) -> None:
    assert published(db) == [("a", "7")]
    found = records(db, "pupils")
    row, line = found[3][0], found[4][0]
    assert '"id": ' in run("list", "-f", "json")
    # A line that could not be split needs its columns first.
    run("replay", "pupils", "--id", str(line), "--why", "x", fails=True)
    run("edit", str(row), "age=8", "--why", "电话核实")
    run("edit", str(line), "code=c", "age=9", "--why", "电话核实", "--by", "li")
    run("edit", str(row), "agee=8", "--why", "x", fails=True)
    assert "published" in run("replay", "pupils", "--why", "更正", "-f", "json")
    assert published(db) == [("a", "7"), ("b", "8"), ("c", "9")]
    assert [status for _, status, _ in records(db, "pupils").values()] == ["fixed", "fixed"]
    assert [e[0::3][:2] for e in events(db, line)] == [("edited", "li"), ("fixed", "chen")]
    assert "code" in run("history", str(line), "-f", "json")
    assert "9" not in run("history", str(line), "-f", "csv").split(",")  # never a value
    # The file as it was sent is not read over the corrections.
    assert ingest.ingest(settings, "pupils").published == ()
    assert published(db) == [("a", "7"), ("b", "8"), ("c", "9")]


def test_decisions_on_the_command_line(settings: Settings, db: psycopg.Connection) -> None:
    row, line = (number for number, _, _ in records(db, "pupils").values())
    run("release", str(row), "--why", "x", fails=True)  # no number: structure
    run("waive", str(row), "--why", "已撤并")
    run("reject", str(line), "--why", "非本校")
    assert run("list", "--status", "waived", "-f", "csv").count("已撤并") == 1
    run("waive", str(row), "--why", "x", fails=True)
    run("replay", "pupils", "--id", str(row), "--why", "x", fails=True)
    run("reopen", str(row), str(line), "--why", "弄错了")
    assert [status for _, status, _ in records(db, "pupils").values()] == ["open", "open"]


STAGES = {
    "landing": ("s and ingest.replay_all(s, 'pupils', why='更正')", "ops.batch_file"),
    "auditing": ("s and ingest.replay_all(s, 'pupils', why='更正')", "quality.check_result"),
    "publishing": ("s and ingest.replay_all(s, 'pupils', why='更正')", "quality.quarantine_event"),
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_killed_replay_is_finished_by_the_next_ingest(
    settings: Settings, db: psycopg.Connection, stage: str
) -> None:
    number = records(db, "pupils")[3][0]
    run("edit", str(number), "age=8", "--why", "电话核实")
    code, table = STAGES[stage]
    url = str(settings.database_url)
    with psycopg.connect(url) as holder, psycopg.connect(url, autocommit=True) as watcher:
        holder.execute(f"lock table {table} in exclusive mode")
        process = start(settings, code)
        try:
            wait_for(
                lambda: watcher.execute(
                    "select 1 from pg_stat_activity where datname = current_database()"
                    " and wait_event_type = 'Lock'"
                ).fetchone(),
                process,
            )
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        holder.rollback()
    assert published(db) == [("a", "7")]
    report = ingest.ingest(settings, "pupils")
    if stage == "landing":  # nothing of it was left
        assert report.published == ()
        report = ingest.replay_all(settings, "pupils", why="更正")
    assert [done.outcome for done in report.published] == ["published"]
    assert published(db) == [("a", "7"), ("b", "8")]
    assert [e[0] for e in events(db, number)] == ["edited", "fixed"]
    left = db.execute(
        "select status from ops.batch where status not in ('published', 'superseded')"
    ).fetchall()
    assert left == []


def decide(db: psycopg.Connection, batch: int, decision: str) -> None:
    """Answer the waiting review, as `quality.review.decide` does."""
    assert (
        db.execute(
            "update quality.review set status = 'decided', decision = %s, decided_by = 'wang',"
            " decided_why = '已核实', closed_at = now() where batch_id = %s and status = 'waiting'",
            (decision, batch),
        ).rowcount
        == 1
    )
    db.commit()


ROWS = [("s1", "甲", "x"), ("s1", "乙", "7"), ("s2", "丙", "8"), ("s2", "丙", "9")]


@pytest.mark.parametrize(
    ("decision", "names", "states"),
    [
        ("release", ["乙", "甲"], ["released", "open", "open"]),
        ("release_clean", ["乙"], ["open", "open", "open"]),
    ],
)
def test_a_held_batch_is_published_as_decided(
    db: psycopg.Connection, db_url: str, decision: str, names: list[str], states: list[str]
) -> None:
    strict = replace(PUPILS, max_reject_rate=0.1)
    held = deliver_rows(db, db_url, strict, ROWS)
    assert held.outcome == "held"
    assert publish(db, strict, held.batch_id).outcome == "held"  # asked once
    decide(db, held.batch_id, decision)
    done = publish(db, strict, held.batch_id)
    assert (done.outcome, done.accepted, done.quarantined) == (
        "published", len(names), 4 - len(names),
    )  # fmt: skip
    assert by_hand.published(db, "pupils", "name") == sorted(names)
    found = records(db, "pupils")
    assert [status for _, status, _ in found.values()] == states
    if decision == "release":
        assert events(db, found[2][0]) == [("released", "open", "released", "wang", held.batch_id)]
    # What was let pass then does not hold a replay: only what is bad anew would.
    (again,) = replayed(db, db_url, strict)
    assert again.outcome == "published"
    assert [status for _, status, _ in records(db, "pupils").values()] == states
    stricter = replace(
        strict, rules=(*strict.rules, by_hand.row_rule("T-009", "name <> '乙'", columns=["name"]))
    )
    assert [done.outcome for done in replayed(db, db_url, stricter)] == ["held"]
    assert rows_of(db, "pupils") != []


def test_a_new_delivery_withdraws_the_request(db: psycopg.Connection, db_url: str) -> None:
    strict = replace(PUPILS, max_reject_rate=0.1)
    held = deliver_rows(db, db_url, strict, ROWS)
    deliver_rows(db, db_url, strict, [("s1", "乙", "7")])
    assert db.execute(
        "select b.status, r.status from ops.batch b join quality.review r using (batch_id)"
        " where batch_id = %s", (held.batch_id,),
    ).fetchall() == [("superseded", "withdrawn")]  # fmt: skip


def test_columns_learnt_since_are_filled_from_beside(db: psycopg.Connection, db_url: str) -> None:
    """An alias was added to the contract: what was landed beside the rows is read."""
    batch = deliver_rows(db, db_url, PUPILS, [("s1", "甲", "7"), ("s1", "乙", "x")]).batch_id
    db.execute(
        "insert into raw.extra_value values (%s, 1, 2, %s), (%s, 1, 3, %s)",
        (batch, '{"电 话": "1"}', batch, '{"电 话": "2"}'),
    )
    db.commit()
    wider = replace(PUPILS, columns=(*PUPILS.columns, by_hand.column("phone", "电话")))
    replayed(db, db_url, wider)
    assert db.execute("select name, phone from raw.pupils").fetchall() == [("甲", "1")]


def test_a_school_is_judged_with_its_own_rows_only(db: psycopg.Connection, db_url: str) -> None:
    deliver_rows(db, db_url, FORMS, [("s1", "甲", "x"), ("s2", "乙", "7"), ("s2", "丙", "8")])
    number = records(db, "forms")[2][0]
    (landed,) = replay(db, FORMS, PERIOD, [number], "chen", "x")
    assert landed.rows == 1
    assert landed.batch_id is not None
    audit(db_url, FORMS, landed.batch_id)
    assert publish(db, FORMS, landed.batch_id).outcome == "published"  # nothing bad anew
    assert records(db, "forms")[2][:2] == (number, "open")
