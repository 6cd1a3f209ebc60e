"""Pulling from databases: real PostgreSQL and real MariaDB, the same rows and the same faults."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from eduplan import warehouse
from eduplan.connections import Connection
from eduplan.contract import Contract, Source
from eduplan.errors import SourceError
from eduplan.extract import database
from eduplan.land import LandResult, land
from eduplan.quality import drift
from tests import mariadb
from tests.landing_support import column, contract

PROJECT = Path(__file__).resolve().parents[2]
READER, PASSWORD = "reader", "r:e/a d@er'1"
BIG = 400_000


def of_database(dataset: str, table: str, *columns: Any, group: str = "desk") -> Contract:
    source = Source(
        "database", "", "records", None, {"table": table, "snapshot_group": group}, "custom", "desk"
    )
    return replace(contract(columns, dataset=dataset, period_kind="none"), source=source)


APPLICANTS = of_database(
    "applicants",
    "zkbm",
    column("exam_no", "准考证号", aliases=("zkzh",), key=True),
    column("name", "姓名", required=False, personal="direct"),
    column("born", "出生日期", required=False),
    column("score", "总分", required=False),
    column("is_local", "本地", required=False),
    column("changed_at", "修改时间", required=False),
    column("note", "备注", aliases=("100% of",), required=False),
)
OFFERS = of_database(
    "offers", "offer", column("exam_no", "准考证号", key=True), column("batch", "批次", key=True)
)
GROUP = [APPLICANTS, OFFERS]
SCRIPT = """
import os, resource, signal, sys
from pathlib import Path
from eduplan import warehouse
from eduplan.connections import Connection
from eduplan.extract import database
from tests.integration.test_database_pull import BIG_TABLE, GROUP

url, spool, step, kind, port = sys.argv[1:]
def die(*a, **k):
    os.kill(os.getpid(), signal.SIGKILL)
def on_second_table(source, table, folder, real=database._copy):
    if table.contract.dataset == "offers":
        (folder / "offers.csv").write_text("half")
        die()
    return real(source, table, folder)
if step == "second table":
    database._copy = on_second_table
elif step == "all read, not noted":
    Path.rename = lambda self, target, real=Path.rename: (real(self, target), die())
connection = Connection("desk", kind, "127.0.0.1", int(port), "reader", "r:e/a d@er'1", "desk")
wanted = [BIG_TABLE] if step == "big" else GROUP
with warehouse.connect(url) as conn:
    if step == "big":
        # What the libraries and a first small reading take is not the table's.
        database.pull(conn, GROUP[0], GROUP, connection, Path(spool))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (delivery,) = database.pull(conn, wanted[0], wanted, connection, Path(spool))
    if step == "big":
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        print(grown >> 10, delivery.files[0].stat().st_size >> 20)
    else:
        die()
"""
BIG_TABLE = of_database("big", "big", column("id", "序号"), column("text", "文本"), group="big")


@dataclass
class Desk:
    """One source server with the tables, the warehouse, and what a puller needs."""

    kind: str
    admin: sa.Engine
    connection: Connection
    db: psycopg.Connection
    spool: Path

    def run(self, statement: str, **values: Any) -> None:
        with self.admin.begin() as conn:
            conn.execute(sa.text(statement), values)

    def pull(self, wanted: Contract = APPLICANTS, group: list[Contract] | None = None) -> Path:
        (delivery,) = database.pull(self.db, wanted, group or GROUP, self.connection, self.spool)
        return delivery.files[0]

    def ingest(self, wanted: Contract) -> LandResult:
        (delivery,) = database.pull(self.db, wanted, GROUP, self.connection, self.spool)
        result = land(self.db, wanted, delivery, self.spool.parent / "archive")
        if result.outcome == "landed":
            self.db.execute(
                "update ops.batch set status = case when batch_id = %s then 'published'"
                " else 'superseded' end where dataset = %s and status in ('landed', 'published')",
                (result.batch_id, wanted.dataset),
            )
        self.db.commit()
        return result

    def pulls(self, *columns: str) -> list[tuple[Any, ...]]:
        rows = self.db.execute(
            f"select dataset, status, {', '.join(columns) or 'error'} from ops.pull"
            " order by pull_id"
        ).fetchall()
        self.db.commit()
        return rows

    def files(self) -> list[str]:
        return sorted(p.name for p in self.spool.rglob("*") if p.is_file())

    def kill_sessions(self) -> None:
        if self.kind == "postgres":
            self.run(
                "select pg_terminate_backend(pid) from pg_stat_activity where usename = :u",
                u=READER,
            )
            return
        with self.admin.begin() as conn:
            found = conn.execute(
                sa.text("select id from information_schema.processlist where user = :u"),
                {"u": READER},
            )
            for (session,) in found.all():
                conn.execute(sa.text(f"kill {int(session)}"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return mariadb.certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def mariadb_port(certificate: tuple[Path, Path]) -> Iterator[int]:
    missing = mariadb.missing_tools()
    if missing:
        pytest.skip(f"mariadb-server is not installed ({', '.join(missing)} missing)")
    with mariadb.server(certificate) as port:
        yield port


def admin_of(kind: str, request: pytest.FixtureRequest) -> sa.Engine:
    if kind == "mariadb":
        port = request.getfixturevalue("mariadb_port")
        return sa.create_engine(f"mysql+pymysql://root@127.0.0.1:{port}/", poolclass=sa.NullPool)
    url = warehouse.sqlalchemy_url(request.getfixturevalue("pg_server"))
    return sa.create_engine(url, poolclass=sa.NullPool)


@pytest.fixture(params=["postgres", "mariadb"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    kind = request.param
    server = admin_of(kind, request)
    with server.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(sa.text("drop database if exists desk"))
        conn.execute(sa.text("create database desk"))
    admin = sa.create_engine(server.url.set(database="desk"), poolclass=sa.NullPool)
    make_tables(kind, admin)
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        if kind == "mariadb":
            quoted = PASSWORD.replace("'", "''")
            conn.exec_driver_sql(
                f"create or replace user {READER}@'127.0.0.1' identified by '{quoted}'"
            )
            conn.exec_driver_sql(f"grant select on desk.* to {READER}@'127.0.0.1'")
        else:
            quoted = PASSWORD.replace("'", "''")
            conn.exec_driver_sql(f"drop role if exists {READER}")
            conn.exec_driver_sql(f"create role {READER} login password '{quoted}'")
            conn.exec_driver_sql(f"grant select on all tables in schema public to {READER}")
    connection = Connection("desk", kind, "127.0.0.1", admin.url.port, READER, PASSWORD, "desk")
    with warehouse.connect(request.getfixturevalue("db_url")) as db:
        yield Desk(kind, admin, connection, db, tmp_path / "spool")
    with server.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        force = " with (force)" if kind == "postgres" else ""
        conn.execute(sa.text(f"drop database desk{force}"))
        if kind == "postgres":
            conn.exec_driver_sql(f"drop role if exists {READER}")


def make_tables(kind: str, admin: sa.Engine) -> None:
    meta = sa.MetaData()
    moment = mysql.DATETIME(fsp=6) if kind == "mariadb" else sa.DateTime()
    zkbm = sa.Table(
        "zkbm", meta,
        sa.Column("zkzh", sa.CHAR(12), primary_key=True),
        sa.Column("name", sa.String(40)),
        sa.Column("born", sa.Date),
        sa.Column("score", sa.Numeric(6, 2)),
        sa.Column("is_local", sa.Boolean),
        sa.Column("changed_at", moment),
        sa.Column("100% of", sa.Text),
        sa.Column("unread", sa.LargeBinary),
    )  # fmt: skip
    offer = sa.Table(
        "offer", meta,
        sa.Column("exam_no", sa.String(12), primary_key=True),
        sa.Column("batch", sa.Integer, primary_key=True, autoincrement=False),
    )  # fmt: skip
    big = sa.Table(
        "big", meta,
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("text", sa.String(200)),
    )  # fmt: skip
    meta.create_all(admin)
    at = datetime(2025, 6, 30, 8, 5, 9)
    with admin.begin() as conn:
        conn.execute(
            zkbm.insert(),
            [
                dict(zip([c.name for c in zkbm.columns], row, strict=True))
                for row in (
                    ("250000000002", "㛃䶮·吾买尔", date(2010, 3, 1), Decimal("612.50"), True,
                     at.replace(microsecond=120000), "有\"引号\",和\n换行", b"\0"),
                    ("250000000001", "韦小明", date(2010, 12, 31), Decimal("0.00"), False, at, "",
                     None),
                    ("25000000000b", None, None, None, None, None, None, None),
                    ("25000000000A", "  空格 ", date(1999, 1, 1), Decimal("-1.05"), True, at,
                     "\\N", None),
                    ("25000000000_", "回\r车", None, Decimal("9999.99"), None, at, "\\.", None),
                )
            ],
        )  # fmt: skip
        conn.execute(offer.insert(), [{"exam_no": "250000000001", "batch": n} for n in (10, 9, 2)])
        conn.execute(big.insert(), [{"id": 1, "text": "x"}])


EXPECTED = (
    "exam_no,name,born,score,is_local,changed_at,note\n"
    '250000000001,韦小明,2010-12-31,0.00,false,2025-06-30 08:05:09,""\n'
    '250000000002,㛃䶮·吾买尔,2010-03-01,612.50,true,2025-06-30 08:05:09.12,"有""引号"",和\n换行"\n'
    "25000000000A,  空格 ,1999-01-01,-1.05,true,2025-06-30 08:05:09,\\N\n"
    '25000000000_,"回\r车",,9999.99,,2025-06-30 08:05:09,\\.\n'
    "25000000000b,,,,,,\n"
)


def test_same_rows_same_bytes(desk: Desk) -> None:
    path = desk.pull()
    assert path.read_bytes().decode() == EXPECTED
    assert desk.pull(OFFERS).read_text() == (
        "exam_no,batch\n250000000001,2\n250000000001,9\n250000000001,10\n"
    )
    assert desk.pulls("record_count", "live_count", "spool_bytes") == [
        ("applicants", "complete", 5, 5, len(EXPECTED.encode())),
        ("offers", "complete", 3, 3, 60),
    ]
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_landed_as_the_source_has_it(desk: Desk) -> None:
    result = desk.ingest(APPLICANTS)
    assert (result.outcome, result.rows, result.rejected_rows) == ("landed", 5, 0)
    rows = desk.db.execute(
        f"select _row, exam_no, name, note, changed_at from raw.applicants__b{result.batch_id}"
        " order by _row"
    ).fetchall()
    assert rows == [
        (2, "250000000001", "韦小明", "", "2025-06-30 08:05:09"),
        (3, "250000000002", "㛃䶮·吾买尔", '有"引号",和\n换行', "2025-06-30 08:05:09.12"),
        (4, "25000000000A", "  空格 ", "\\N", "2025-06-30 08:05:09"),
        (5, "25000000000_", "回\r车", "\\.", "2025-06-30 08:05:09"),
        (6, "25000000000b", None, None, None),
    ]
    assert desk.pulls("batch_id")[0] == ("applicants", "landed", result.batch_id)


def test_points_in_time_are_beijing_time(desk: Desk) -> None:
    """An instant stored with its zone reads as the same wall clock from both servers."""
    if desk.kind == "postgres":
        desk.run("alter table zkbm alter changed_at type timestamptz")
        desk.run("update zkbm set changed_at = '2025-06-30 00:05:09+00'")
    else:
        desk.run("alter table zkbm modify changed_at timestamp null")
        with desk.admin.begin() as conn:
            conn.exec_driver_sql("set session time_zone = '+00:00'")
            conn.exec_driver_sql("update zkbm set changed_at = '2025-06-30 00:05:09'")
    lines = desk.pull().read_text().splitlines()
    assert lines[1] == '250000000001,韦小明,2010-12-31,0.00,false,2025-06-30 08:05:09,""'


def test_group_shares_one_snapshot_until_each_has_landed_it(desk: Desk) -> None:
    assert desk.ingest(APPLICANTS).outcome == "landed"
    desk.run("insert into offer values ('25000000000A', 1)")
    assert desk.ingest(OFFERS).rows == 3, "the snapshot of the applicants, not of now"
    assert len({row[2] for row in desk.pulls("snapshot")}) == 1
    again = desk.ingest(APPLICANTS)
    assert again.outcome == "unchanged", "a new snapshot with the same applicants"
    assert desk.ingest(OFFERS).rows == 4
    pulls = desk.pulls("snapshot")
    assert [row[:2] for row in pulls] == [
        ("applicants", "landed"), ("offers", "landed"),
        ("applicants", "unchanged"), ("offers", "landed"),
    ]  # fmt: skip
    assert len({row[2] for row in pulls}) == 2
    desk.pull(OFFERS)
    assert desk.files() == ["applicants.csv", "offers.csv"], "landed snapshots are removed"


def test_newer_snapshot_takes_the_place_of_one_never_landed(desk: Desk) -> None:
    desk.ingest(APPLICANTS)
    desk.run("delete from offer where batch = 9")
    desk.ingest(APPLICANTS)
    assert desk.ingest(OFFERS).rows == 2
    assert [row[:2] for row in desk.pulls()] == [
        ("applicants", "landed"), ("offers", "failed"),
        ("applicants", "unchanged"), ("offers", "landed"),
    ]  # fmt: skip
    assert desk.pulls()[1][2].startswith("superseded by snapshot ")


def test_commit_between_two_tables_is_not_seen(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    copy, order = database._copy, []

    def then_write(source: sa.Connection, table: Any, folder: Path) -> Any:
        done = copy(source, table, folder)
        order.append(table.contract.dataset)
        if len(order) == 1:
            desk.run("insert into offer values ('25000000000A', 1)")
            desk.run("delete from offer where batch = 2")
        return done

    monkeypatch.setattr(database, "_copy", then_write)
    before = desk.pull(OFFERS).read_text()
    assert order == ["applicants", "offers"]
    assert before == "exam_no,batch\n250000000001,2\n250000000001,9\n250000000001,10\n"
    desk.db.execute("update ops.pull set status = 'landed'")
    assert desk.pull(OFFERS).read_text() == (
        "exam_no,batch\n250000000001,9\n250000000001,10\n25000000000A,1\n"
    )


def test_nothing_can_be_written(desk: Desk) -> None:
    """The account may not, and in our transaction not even the owner could."""
    insert = sa.text("insert into offer values ('x', 1)")
    plain = sa.create_engine(database._engine(desk.connection).url, poolclass=sa.NullPool)
    with plain.connect() as conn, pytest.raises(sa.exc.DBAPIError, match=r"denied"):
        conn.execute(insert)
    with (
        database._snapshot(desk.admin, desk.connection) as owner,
        pytest.raises(sa.exc.DBAPIError, match=r"(?i)read.only transaction"),
    ):
        owner.execute(insert)


def make_big(desk: Desk) -> None:
    series = (
        f"generate_series(2, {BIG}) as s (seq)" if desk.kind == "postgres" else f"seq_2_to_{BIG}"
    )
    desk.run(f"insert into big select seq, repeat('梧州', 25) from {series}")


def test_lost_connection_leaves_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    make_big(desk)
    group = [BIG_TABLE]
    name = "_copy_postgresql" if desk.kind == "postgres" else "_copy_mysql"
    real: Callable[..., int] = getattr(database, name)

    class Killer:
        def __init__(self, out: Any) -> None:
            self.out, self.written = out, 0

        def write(self, block: bytes) -> None:
            self.out.write(block)
            if self.written < 1_000_000 <= self.written + len(block):
                desk.kill_sessions()
            self.written += len(block)

    with monkeypatch.context() as patch:
        patch.setattr(database, name, lambda s, q, out: real(s, q, Killer(out)))
        with pytest.raises(SourceError, match="Reading the database failed") as told:
            desk.pull(BIG_TABLE, group)
    assert PASSWORD not in str(told.value)
    assert told.value.transient
    assert [row[:2] for row in desk.pulls()] == [("big", "failed")]
    assert desk.files() == []
    path = desk.pull(BIG_TABLE, group)
    assert path.read_bytes().count(b"\n") == BIG + 1


@pytest.mark.parametrize("step", ["second table", "all read, not noted", "noted, not landed"])
def test_killed_and_run_again(desk: Desk, db_url: str, step: str) -> None:
    killed = _script(desk, db_url, step)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    before = desk.pulls("snapshot")
    complete = step == "noted, not landed"
    assert {row[1] for row in before} == {"complete" if complete else "running"}
    desk.run("delete from offer where batch = 9")
    assert desk.ingest(OFFERS).rows == (3 if complete else 2), "a complete snapshot is used"
    assert desk.ingest(APPLICANTS).outcome == "landed"
    statuses = [row[:2] for row in desk.pulls()]
    landed = [("applicants", "landed"), ("offers", "landed")]
    broken = [("applicants", "failed"), ("offers", "failed")]
    assert statuses == (landed if complete else broken + landed)
    desk.pull(OFFERS)
    assert desk.files() == ["applicants.csv", "offers.csv"]


def test_memory_does_not_grow_with_the_table(desk: Desk, db_url: str) -> None:
    make_big(desk)
    done = _script(desk, db_url, "big")
    assert done.returncode == 0, done.stderr
    grown, size = map(int, done.stdout.split())
    assert size >= 55, "the file is big enough to tell"
    assert grown < 40, f"{grown} MB more for a table of {size} MB"


def _script(desk: Desk, db_url: str, step: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable, "-c", SCRIPT, db_url, str(desk.spool), step, desk.kind,
            str(desk.connection.port),
        ],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": f"{PROJECT / 'plugins'}{os.pathsep}{PROJECT}"},
        check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_missing_column_is_named(desk: Desk) -> None:
    desk.run("alter table zkbm drop column score")
    with pytest.raises(SourceError, match=r"applicants.*zkbm.*lacks the columns score\. It has:"):
        desk.pull(OFFERS)
    assert [row[:2] for row in desk.pulls()] == [("applicants", "failed"), ("offers", "failed")]
    assert desk.files() == []


def test_unknown_columns_are_events_and_what_is_left_unread_is_none(desk: Desk) -> None:
    """A column may come and go while the rows stay the same: the batch is the one of before."""

    def events(wanted: Contract) -> list[tuple[str, str, str, int | None]]:
        found = drift.events(desk.db, {wanted.dataset: wanted})
        desk.db.commit()
        return [
            (e["kind"], e["column_name"], e["rule_id"], e["occurrences"])
            for e in reversed(found)
            if e["dataset"] == wanted.dataset and e["state"] == "open"
        ]

    first = desk.ingest(APPLICANTS)
    assert first.outcome == "landed"
    assert events(APPLICANTS) == [("new_column", "unread", "DRF-004", None)]
    assert desk.ingest(OFFERS).outcome == "landed"
    assert events(OFFERS) == []
    desk.run("alter table zkbm add column 家长电话 varchar(20)")
    desk.run("update zkbm set 家长电话 = '13800000000'")
    for _ in range(2):
        again = desk.ingest(APPLICANTS)
        assert (again.outcome, again.batch_id) == ("unchanged", first.batch_id)
        assert events(APPLICANTS) == [
            ("new_column", "unread", "DRF-004", None),
            ("new_column", "家长电话", "DRF-004", None),
        ]
    (told,) = desk.db.execute(
        "select detail || suggestion from ops.drift_event where column_name = '家长电话'"
    ).fetchone() or ("",)
    assert "数据库的表中出现契约以外的字段「家长电话」" in told
    assert "aliases, value: [家长电话]" in told and "personal-direct" in told
    assert "13800000000" not in told
    options = {**APPLICANTS.source.options, "unread": ["unread"]}
    knowing = replace(APPLICANTS, source=replace(APPLICANTS.source, options=options))
    assert events(knowing) == [("new_column", "家长电话", "DRF-004", None)]
    desk.run("alter table zkbm drop column 家长电话")
    (delivery,) = database.pull(desk.db, knowing, [knowing, OFFERS], desk.connection, desk.spool)
    land(desk.db, knowing, delivery, desk.spool.parent / "archive")
    assert desk.db.execute("select count(*) from ops.drift_event").fetchone() == (0,)


def test_missing_table_is_named(desk: Desk) -> None:
    desk.run("drop table offer")
    with pytest.raises(SourceError, match="no table offer"):
        desk.pull()


def test_fewer_rows_than_the_source_counts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "_copy_postgresql" if desk.kind == "postgres" else "_copy_mysql"
    real = getattr(database, name)
    monkeypatch.setattr(database, name, lambda s, q, out: real(s, q.limit(2), out))
    with pytest.raises(SourceError, match="counts 5 rows and gave 2"):
        desk.pull()
    assert desk.files() == []


def test_statement_timeout(desk: Desk) -> None:
    desk.connection = replace(desk.connection, extra={"statement_timeout": "1"})
    with desk.admin.connect() as other:
        lock = (
            "lock table zkbm in access exclusive mode" if desk.kind == "postgres"
            else "lock tables zkbm write"
        )  # fmt: skip
        other.exec_driver_sql(lock)
        started = time.monotonic()
        with pytest.raises(SourceError, match="Reading the database failed") as told:
            desk.pull()
        assert time.monotonic() - started < 10
        assert not told.value.transient


@pytest.mark.parametrize("desk", ["mariadb"], indirect=True)
def test_tls_where_the_account_demands_it(
    desk: Desk, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    desk.run(f"alter user {READER}@'127.0.0.1' require ssl")
    desk.connection = replace(desk.connection, extra={"ssl_disabled": "true"})
    with pytest.raises(SourceError, match="denied"):
        desk.pull()
    desk.connection = replace(desk.connection, extra={"ssl_ca": str(certificate[0])})
    assert desk.pull().read_bytes().decode() == EXPECTED
    stranger = mariadb.certificate(tmp_path)[0]
    desk.connection = replace(desk.connection, extra={"ssl_ca": str(stranger)})
    desk.db.execute("update ops.pull set status = 'landed'")
    with pytest.raises(SourceError, match=r"(?i)certificate verify failed"):
        desk.pull()


@pytest.mark.parametrize("desk", ["postgres"], indirect=True)
def test_tls_that_the_server_does_not_offer(desk: Desk) -> None:
    desk.connection = replace(desk.connection, extra={"sslmode": "require"})
    with pytest.raises(SourceError, match="SSL"):
        desk.pull()


def test_wrong_password_is_not_shown(desk: Desk) -> None:
    desk.connection = replace(desk.connection, password="not-the-password")
    with pytest.raises(SourceError, match="desk") as told:
        desk.pull()
    assert "not-the-password" not in str(told.value) + told.value.hint
    assert {row[1] for row in desk.pulls()} == {"failed"}


def test_empty_table_is_refused_and_keeps_what_is_published(desk: Desk) -> None:
    desk.ingest(OFFERS)
    desk.run("delete from offer")
    result = desk.ingest(OFFERS)
    assert (result.outcome, result.error_code) == ("failed", "LND-002")
    assert desk.pulls()[-1][:2] == ("offers", "failed")


def test_view_without_key_is_ordered_by_all_columns(desk: Desk) -> None:
    desk.run("create view seen as select batch, exam_no from offer")
    if desk.kind == "postgres":
        desk.run(f"grant select on seen to {READER}")
    view = replace(OFFERS, source=replace(OFFERS.source, options={"table": "seen"}))
    assert desk.pull(view, [view]).read_text() == (
        "exam_no,batch\n250000000001,2\n250000000001,9\n250000000001,10\n"
    )


@pytest.mark.parametrize("desk", ["mariadb"], indirect=True)
def test_zero_dates_and_nul_characters(desk: Desk) -> None:
    with desk.admin.begin() as conn:
        conn.exec_driver_sql("update zkbm set born = '0000-00-00', name = 'a\\0b'")
    lines = desk.pull().read_text().splitlines()
    assert lines[1].startswith("250000000001,a\ufffdb,0000-00-00,0.00,")


@pytest.mark.parametrize("desk", ["mariadb"], indirect=True)
def test_tables_without_snapshots_are_refused(desk: Desk) -> None:
    desk.run("alter table offer engine = MyISAM")
    with pytest.raises(SourceError, match="engine MyISAM, which knows no snapshots"):
        desk.pull()


def test_group_over_two_connections_is_refused(db: psycopg.Connection, tmp_path: Path) -> None:
    other = replace(OFFERS, source=replace(OFFERS.source, connection="elsewhere"))
    with pytest.raises(SourceError, match="spread over the connections desk, elsewhere"):
        database.pull(db, APPLICANTS, [APPLICANTS, other], Connection("desk", "mariadb"), tmp_path)


def test_other_kinds_of_connection_are_refused(db: psycopg.Connection, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="'http', which is no database"):
        database.pull(db, APPLICANTS, GROUP, Connection("desk", "http", "h"), tmp_path)
