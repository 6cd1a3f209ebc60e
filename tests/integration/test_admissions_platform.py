"""The demo's admissions platform: loaded once, read-only, the same from both kinds of server."""

import csv
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
import pymysql
import pytest
from psycopg import sql

from demo import admissions
from demo.city import admissions as tables
from demo.city import people, world
from eduplan import connections, ingest, warehouse
from eduplan.connections import Connection
from eduplan.contract import Contract, load_contracts
from eduplan.extract import database
from eduplan.settings import Settings
from tests import admissions_database, mariadb
from tests.conftest import PROJECT

SCALE, SEED = 0.02, 7
TIMESTAMP = {"timestamp not null": "datetime not null"}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but the platform's tables."""
    out = tmp_path_factory.mktemp("city")
    schools = world.make_schools(SCALE, SEED)
    leaving = [
        tables.leaving(people.make_pupils(schools, region, SCALE, SEED), len(schools))
        for region in range(8)
    ]
    tables.write_admissions(out, schools, leaving, SEED)
    return out


@pytest.fixture(scope="module")
def contracts() -> list[Contract]:
    """The five contracts of the snapshot group."""
    found = load_contracts(PROJECT / "expectations").values()
    return [c for c in found if c.source.options.get("snapshot_group") == "admissions"]


@pytest.fixture
def reader(city: Path, pg_server: str, tmp_path: Path) -> Iterator[str]:
    """URI of the read-only account of a loaded PostgreSQL database."""
    with admissions_database.loaded(city, pg_server, tmp_path / "secret") as uri:
        yield uri


def resolved(uri: str, monkeypatch: pytest.MonkeyPatch) -> Connection:
    monkeypatch.setenv("AIRFLOW_CONN_ADMISSIONS", uri)
    return connections.from_environment("admissions")


def pulled(
    db_url: str, contracts: list[Contract], connection: Connection, spool: Path
) -> dict[str, bytes]:
    with warehouse.connect(db_url) as conn:
        found = [
            (c.dataset, database.pull(conn, c, contracts, connection, spool)[0].files[0])
            for c in contracts
        ]
        conn.execute("delete from ops.pull")
        conn.commit()
        return {dataset: path.read_bytes() for dataset, path in found}


def test_city_loads_once(city: Path, pg_server: str, reader: str, tmp_path: Path) -> None:
    url = pg_server.rsplit("/", 1)[0] + "/admissions"
    state = "select relname, relfilenode from pg_class where relname like 'adm%' order by 1"
    with psycopg.connect(url) as conn:
        before = conn.execute(state).fetchall()
        for name in admissions.TABLES:
            lines = (city / tables.FOLDER / f"{name}.csv").read_text().count("\n")
            counted = conn.execute(
                sql.SQL("select count(*) from {}").format(sql.Identifier(name))
            ).fetchone()
            assert counted == (lines - 1,)
    assert admissions.load(city, pg_server, tmp_path / "secret") == reader
    with psycopg.connect(url) as conn:
        assert conn.execute(state).fetchall() == before
        conn.execute("update adm_plan set plan_places = plan_places + 1")
    other = tmp_path / "other"
    (other / tables.FOLDER).mkdir(parents=True)
    for file in (city / tables.FOLDER).iterdir():
        text = file.read_text()
        cut = text if file.stem != "adm_plan" else text[: text.rstrip("\n").rindex("\n") + 1]
        (other / tables.FOLDER / file.name).write_text(cut)
    admissions.load(other, pg_server, tmp_path / "secret")
    with psycopg.connect(url) as conn:
        assert conn.execute(state).fetchall() != before, "another city replaces the tables"


def test_reader_may_only_read(reader: str) -> None:
    with psycopg.connect(reader.replace("postgres://", "postgresql://")) as conn:
        assert conn.execute("select count(*) > 0 from adm_offer").fetchone() == (True,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("update adm_offer set status = '已撤销'")


def test_both_servers_give_the_same_bytes(
    city: Path,
    reader: str,
    db_url: str,
    contracts: list[Contract],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if missing := mariadb.missing_tools():
        pytest.skip(f"mariadb-server is not installed ({', '.join(missing)} missing)")
    assert len(contracts) == len(admissions.TABLES)
    first = pulled(db_url, contracts, resolved(reader, monkeypatch), tmp_path / "a")
    with mariadb.server() as port:
        load_mariadb(port, city)
        uri = f"mariadb://reader:secret@127.0.0.1:{port}/admissions"
        second = pulled(db_url, contracts, resolved(uri, monkeypatch), tmp_path / "b")
    assert first == second
    lines = first["adm_offers"].decode().splitlines()
    source = (city / tables.FOLDER / "adm_offer.csv").read_text().splitlines()
    assert lines[1:] == [line.split(",", 1)[1] for line in source[1:]], "in order, without the id"


def test_ingest_from_the_database(
    city: Path, reader: str, db: psycopg.Connection, db_url: str, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path / "home", source_root=city, database_url=db_url)
    rows = (city / tables.FOLDER / "adm_plan.csv").read_text().count("\n") - 1

    def resolve(conn_id: str) -> Connection:
        assert conn_id == "admissions"
        server = urlsplit(reader)
        return Connection(
            conn_id, "postgres", "127.0.0.1", server.port, admissions.READER,
            unquote(server.password or ""), admissions.DATABASE,
        )  # fmt: skip

    report = ingest.ingest(settings, "adm_plans", resolve=resolve)
    assert report.ok
    (landed,) = report.landed
    assert (landed.outcome, landed.period, landed.rows) == ("landed", "all", rows)
    assert db.execute("select path, row_count from ops.batch_file").fetchall() == [
        ("adm_plans.csv", rows)
    ]
    # The one planted row whose quota exceeds its plan stays out.
    assert db.execute("select rules from quality.quarantined_row").fetchall() == [(["ADP-001"],)]
    assert db.execute("select count(*) from raw.adm_plans").fetchone() == (rows - 1,)
    db.rollback()
    (again,) = ingest.ingest(settings, "adm_plans", resolve=resolve).landed
    assert again.outcome == "unchanged"
    assert db.execute(
        "select status, batch_id from ops.pull where dataset = 'adm_plans' order by pull_id"
    ).fetchall() == [("landed", landed.batch_id), ("unchanged", landed.batch_id)]


def load_mariadb(port: int, city: Path) -> None:
    """Load the city's tables as ``demo.admissions`` does, with types and an account of MariaDB."""
    with pymysql.connect(host="127.0.0.1", port=port, user="root", charset="utf8mb4") as conn:
        cursor = conn.cursor()
        cursor.execute("create database admissions character set utf8mb4")
        cursor.execute("use admissions")
        for name, columns in admissions.TABLES.items():
            kinds = ", ".join(f"`{c}` {TIMESTAMP.get(k, k)}" for c, k in columns.items())
            cursor.execute(f"create table `{name}` ({kinds}, primary key (id)) engine=InnoDB")
            with (city / tables.FOLDER / f"{name}.csv").open(newline="") as handle:
                rows = [
                    [{"": None, "true": 1, "false": 0}.get(cell, cell) for cell in row]
                    for row in csv.reader(handle)
                ][1:]
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"insert into `{name}` values ({marks})", rows)
        cursor.execute("create user reader@'127.0.0.1' identified by 'secret'")
        cursor.execute("grant select on admissions.* to reader@'127.0.0.1'")
        conn.commit()
