"""A landing killed at any step and run again equals an undisturbed one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.landing_support import Desk, contract, forget_batches

PROJECT = Path(__file__).resolve().parents[2]

# Runs one landing and kills itself at the step named by the last argument.
SCRIPT = """
import os, signal, sys
from pathlib import Path
import psycopg
from eduplan import archive, land
from eduplan.extract.discover import discover
from tests.landing_support import contract

url, folder, step = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
def die(*a, **k):
    os.kill(os.getpid(), signal.SIGKILL)
def before(owner, name):
    setattr(owner, name, die)
def after(owner, name, times=1):
    real, left = getattr(owner, name), [times]
    def wrapped(*a, **k):
        result = real(*a, **k)
        left[0] -= 1
        if left[0] == 0:
            die()
        return result
    setattr(owner, name, wrapped)
{
    "batch created": lambda: after(land._Landing, "_begin"),
    "in the middle of the stream": lambda: after(archive.Keeper, "write", 3),
    "bytes sent, not kept": lambda: before(archive.Keeper, "finish"),
    "bytes kept": lambda: after(archive.Keeper, "finish"),
    "second file": lambda: after(archive.Keeper, "finish", 2),
    "all written, not committed": lambda: after(land._Landing, "_finish"),
}[step]()
conn = psycopg.connect(url)
for delivery in discover(contract(), folder / "source"):
    land.land(conn, contract(), delivery, folder / "archive")
"""
STEPS = [
    "batch created",
    "in the middle of the stream",
    "bytes sent, not kept",
    "bytes kept",
    "second file",
    "all written, not committed",
]


def state(desk: Desk, batch_id: int | None) -> object:
    return (
        desk.rows(batch_id, "_file", "_row", "school_code", "name", "id_number", "note"),
        desk.db.execute(
            "select dataset, period, status, content_hash, row_count, rejected_count, file_count"
            " from ops.batch"
        ).fetchall(),
        desk.db.execute("select path, sha256, row_count, status from ops.batch_file").fetchall(),
        desk.db.execute(
            "select count(*) from information_schema.tables where table_schema = 'raw'"
        ).fetchall(),
        desk.db.execute(
            "select count(*) from information_schema.sequences where sequence_schema = 'raw'"
        ).fetchall(),
        desk.db.execute("select row_no, rules from quality.quarantined_row").fetchall(),
    )


def deliver(desk: Desk) -> None:
    head = "学校标识码,姓名,身份证件号,备忘\n"
    many = "".join(f"2145000001,张三,{i:018d},备忘{i}\n" for i in range(30_000))
    desk.put(head + many, name="450421_学生.csv")
    desk.put(head + "2145000002,李四,7,\n2145000002,王五\n", name="450422_学生.csv")


@pytest.mark.parametrize("step", STEPS)
def test_killed_and_run_again(
    step: str, tmp_path: Path, db: psycopg.Connection, db_url: str
) -> None:
    desk = Desk(tmp_path, db, contract())
    deliver(desk)
    killed = subprocess.run(
        [sys.executable, "-c", SCRIPT, db_url, str(tmp_path), step],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": f"{PROJECT / 'plugins'}{os.pathsep}{PROJECT}"},
        check=False,
        timeout=120,
    )
    assert killed.returncode == -signal.SIGKILL
    assert db.execute("select count(*) from ops.batch").fetchone() == (0,), "nothing half is left"
    (again,) = desk.land()
    assert (again.outcome, again.rows, again.rejected_rows) == ("landed", 30_001, 1)
    after_kill = state(desk, again.batch_id)

    forget_batches(db)
    db.execute(f"drop table raw.pupils__b{again.batch_id}")
    calm = Desk(tmp_path / "calm", db, contract())
    deliver(calm)
    (undisturbed,) = calm.land()
    assert state(calm, undisturbed.batch_id) == after_kill
    assert [p.name for p in desk.archive.rglob("*") if p.is_file() and p.name[0] != "."] != []
    (third,) = desk.land()
    assert third.outcome == "resumed"
