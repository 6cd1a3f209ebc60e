"""Exports of a warehouse made for it: hostile text, builds in between, folders that stay whole."""

import csv
import datetime as dt
import os
import signal
import subprocess
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path

import psycopg
import pyarrow.parquet as pq
import pytest

from eduplan.errors import EduplanError
from eduplan.export.folder import export_file, export_folder
from eduplan.export.metadata import write_manifest
from eduplan.export.snapshot import snapshot
from eduplan.export.tables import Filters, Form, write_table
from eduplan.export.views import Column, View
from eduplan.settings import Settings
from eduplan.transform import BUILD_LOCK

DAY = dt.date(2026, 9, 10)
TEXTS = [
    "=1+1", "+86", "-5", "@SUM(A1)", "\ttab", "\rreturn", "\nline", "＝一", "－", "'=1+1", "''=x",
    "'plain", "a,b", 'say "x"', "two\nlines", "two\r\nlines", "\\N", "\\.", "NULL", "", " ", "梧州",
    "😀", None,
]  # fmt: skip
NUMBERS = [
    Decimal("123456789012345678.0123456789"), Decimal("-0.0000000001"), Decimal("0"),
    Decimal("1E+15"), Decimal("100.5"), None,
]  # fmt: skip
FLOATS = [1e300, -1.5e-7, 0.1, 123456789012345680.0, None]
COLUMNS = (
    Column("id", "编号", "integer", "Row"),
    Column("words", "文字", "text", "Any text"),
    Column("amount", "数", "numeric(28,10)", "Any number"),
    Column("loose", "宽数", "numeric", "A number without limits"),
    Column("share", "比", "double precision", "A float"),
    Column("is_so", "是否", "boolean", "Yes or no"),
    Column("day", "日", "date", "A day"),
    Column("moment", "时刻", "timestamp with time zone", "A moment"),
)
VIEW = View(
    "odd", "odd", "怪", "Odd rows", COLUMNS, tuple(c.name for c in COLUMNS), ("id",), "1.0.0"
)


@pytest.fixture
def settings(db_url: str, tmp_path: Path) -> Settings:
    """A warehouse with one odd view, and what every export asks for."""
    with psycopg.connect(db_url) as conn:
        conn.execute(
            "create schema bi;"
            "create table bi.indicator_progress (plan_version text, plan_name_zh text,"
            "   is_demonstration boolean);"
            "insert into bi.indicator_progress values ('p', '方案', false);"
            "create table bi.odd (id int, words text, amount numeric(28, 10), loose numeric,"
            "   share float8, is_so boolean, day date, moment timestamptz);"
            "insert into ops.build (invocation_id, fingerprint, status, started_at, finished_at,"
            "   node_count) values ('x', 'y', 'success', '2026-09-01Z', '2026-09-01T01:02:03Z', 1)"
        )
        for number, words in enumerate(TEXTS):
            amount, share = NUMBERS[number % len(NUMBERS)], FLOATS[number % len(FLOATS)]
            moment = None if number % 3 else dt.datetime(2026, 9, 1, 8, 0, number, 500, dt.UTC)
            conn.execute(
                "insert into bi.odd values (%s, %s, %s, %s, %s, %s, %s, %s)",
                (number, words, amount, amount, share, [True, False, None][number % 3],
                 None if number % 2 else dt.date(1900, 1, 1 + number), moment),
            )  # fmt: skip
    return Settings(home=tmp_path / "home", database_url=db_url)


def write(settings: Settings, folder: Path, form: Form, *, bom: bool = False) -> Path:
    folder.mkdir(exist_ok=True)
    with snapshot(settings, DAY) as snap:
        return write_table(snap, VIEW, folder, form, Filters(), bom=bom).path


def unescape(text: str) -> str:
    """Undo the one apostrophe, as docs/exports.md says."""
    rest = text.lstrip("'")
    hostile = bool(rest) and rest[0] in "=+-@\t\r\n＝＋－＠"
    return text[1:] if hostile and text.startswith("'") else text


def test_no_spreadsheet_finds_a_formula_and_no_text_is_lost(
    settings: Settings, tmp_path: Path
) -> None:
    path = write(settings, tmp_path / "out", Form.csv)
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle, strict=True))
    assert len(rows) == len(TEXTS)
    for row, words in zip(rows, TEXTS, strict=True):
        assert row["words"][:1] not in tuple("=+-@\t\r\n＝＋－＠")
        assert unescape(row["words"]) == (words or "")
    assert [row["words"] for row in rows[9:12]] == ["''=1+1", "'''=x", "'plain"]


def test_lines_and_nulls_of_csv(settings: Settings, tmp_path: Path) -> None:
    """Lines end as RFC 4180 says, breaks inside a text stay; NULL is nothing, '' is quoted."""
    content = write(settings, tmp_path / "out", Form.csv, bom=True).read_bytes()
    assert content.startswith(b"\xef\xbb\xbfid,words,amount,")
    assert content.endswith(b"\r\n")
    assert b'14,"two\nlines",' in content and b'15,"two\r\nlines",' in content
    assert b'\r\n19,"",' in content and b"\r\n23,,," in content


def test_numbers_keep_their_digits_and_dates_are_iso(settings: Settings, tmp_path: Path) -> None:
    path = write(settings, tmp_path / "out", Form.csv)
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["amount"] for row in rows[:6]] == [
        "123456789012345678.0123456789", "-0.0000000001", "0", "1000000000000000", "100.5", "",
    ]  # fmt: skip
    assert rows[0]["share"] == "1" + "0" * 300
    assert [row["share"] for row in rows[1:5]] == ["-0.00000015", "0.1", "123456789012345680", ""]
    assert [row["is_so"] for row in rows[:3]] == ["true", "false", ""]
    assert (rows[0]["day"], rows[1]["day"]) == ("1900-01-01", "")
    assert rows[3]["moment"] == "2026-09-01T08:00:03.000500Z"


def test_parquet_keeps_everything(settings: Settings, tmp_path: Path) -> None:
    """Empty text and NULL, digits, microseconds."""
    table = pq.read_table(write(settings, tmp_path / "out", Form.parquet))
    rows = table.to_pylist()
    assert [row["words"] for row in rows] == TEXTS
    assert [row["amount"] for row in rows[:6]] == NUMBERS
    assert [row["loose"] for row in rows[:6]] == NUMBERS
    assert [row["share"] for row in rows[:5]] == FLOATS
    assert rows[3]["moment"] == dt.datetime(2026, 9, 1, 8, 0, 3, 500, dt.UTC)
    assert rows[0]["day"] == dt.date(1900, 1, 1) and rows[1]["day"] is None
    assert str(table.schema.field("amount").type) == "decimal128(28, 10)"
    assert table.schema.field("amount").metadata == {
        b"title": "数".encode(), b"description": b"Any number"
    }  # fmt: skip


def test_files_of_one_export_agree(settings: Settings, tmp_path: Path) -> None:
    """What is written while an export runs is in none of its files."""
    with snapshot(settings, DAY) as snap:
        folder = tmp_path / "out"
        folder.mkdir()
        first = write_table(snap, VIEW, folder, Form.csv, Filters())
        with psycopg.connect(settings.database_url or "") as conn:
            conn.execute("delete from bi.odd where id > 3")
        second = write_table(snap, VIEW, folder, Form.parquet, Filters())
    assert first.rows == second.rows == len(TEXTS)
    with snapshot(settings, DAY) as snap:
        assert write_table(snap, VIEW, folder, Form.csv, Filters()).rows == 4


def test_an_export_waits_for_a_build_and_sees_its_tables(
    settings: Settings, tmp_path: Path
) -> None:
    """A table made anew by a build would be empty to a snapshot taken before it."""
    counted: list[int] = []

    def export() -> None:
        with snapshot(settings, DAY) as snap:
            folder = tmp_path / "out"
            folder.mkdir()
            counted.append(write_table(snap, VIEW, folder, Form.csv, Filters()).rows)

    with psycopg.connect(settings.database_url or "", autocommit=True) as conn:
        conn.execute("select pg_advisory_lock(%s)", (BUILD_LOCK,))
        waiting = threading.Thread(target=export)
        waiting.start()
        deadline = time.monotonic() + 20
        while not conn.execute(
            "select 1 from pg_locks where locktype = 'advisory' and not granted"
        ).fetchone():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert counted == []
        conn.execute("create table bi.anew as select * from bi.odd union all select * from bi.odd")
        conn.execute("drop table bi.odd")
        conn.execute("alter table bi.anew rename to odd")
        conn.execute("select pg_advisory_unlock(%s)", (BUILD_LOCK,))
        waiting.join(30)
    assert counted == [2 * len(TEXTS)]


# --- folders -------------------------------------------------------------------------------------


def finish(folder: Path, settings: Settings, name: str) -> None:
    (folder / name).write_text("x", encoding="utf-8")
    with snapshot(settings, DAY) as snap:
        # Two files, listed by the manifest.
        write_manifest(folder, snap, "test", "测试", [{"name": "x", "path": name}])


def test_an_export_replaces_its_like_and_nothing_else(settings: Settings, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "out"
    for name in ("a.csv", "b.csv"):
        with export_folder(target) as folder:
            finish(folder, settings, name)
        assert sorted(path.name for path in target.iterdir()) == sorted([name, "datapackage.json"])
    with pytest.raises(RuntimeError), export_folder(target) as folder:
        (folder / "c.csv").write_text("half", encoding="utf-8")
        raise RuntimeError
    assert (target / "b.csv").exists()
    (target / "mine.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(EduplanError, match=r"holds files that no export wrote: mine\.txt"):
        with export_folder(target):
            raise AssertionError
    assert (target / "mine.txt").read_text("utf-8") == "keep"
    assert [path.name for path in target.parent.iterdir()] == ["out"]


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    for target in (tmp_path / "file" / "out", Path("/proc/out")):
        with pytest.raises(EduplanError, match=f"cannot write {target}"), export_folder(target):
            raise AssertionError
        with pytest.raises(EduplanError, match=f"cannot write {target}"), export_file(target) as p:
            p.write_text("x", encoding="utf-8")
    with pytest.raises(EduplanError, match="is a folder"), export_file(tmp_path):
        raise AssertionError


KILLED = """
import sys, time
from pathlib import Path
from eduplan.export.folder import export_folder
with export_folder(Path(sys.argv[1])) as folder:
    (folder / "half.csv").write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


def test_a_killed_export_leaves_no_folder_that_could_be_taken_for_one(
    settings: Settings, tmp_path: Path
) -> None:
    target = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(target)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": "plugins"},
    )
    assert process.stdout is not None and process.stdout.readline() == b"writing\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert not target.exists()
    with export_folder(target) as folder:
        finish(folder, settings, "a.csv")
    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == ["out"]
    assert not (target / "half.csv").exists()
