"""Fixtures of all layers: one throw-away PostgreSQL a session, one fresh database a test."""

import os
import re
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

if TYPE_CHECKING:
    from eduplan.settings import Settings
    from eduplan.transform import BuildResult

PROJECT = Path(__file__).resolve().parents[1]
REALDATA = Path(os.environ.get("EDUPLAN_REALDATA") or PROJECT.parent / "shared" / "realdata")


@cache
def _together(path: str) -> str:
    """Name what a file of tests is part of: what shares something costly stays in one process."""
    if path.startswith(("tests/e2e/", "tests/dags/")):
        return path.split("/")[1]
    shares = re.search(r"\b(built|marts): ", (PROJECT / path).read_text("utf-8"))
    return "mini city" if path.startswith("tests/dbt/") and shares else path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Share the tests out by `_together` when they run in several processes (pytest -n)."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _together(nodeid.split("::")[0])

    return Scheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest: the other process does the rest meanwhile."""
    if hasattr(config, "workerinput"):
        longest = ("e2e", "mini city", "dags")
        groups = [_together(item.path.relative_to(PROJECT).as_posix()) for item in items]
        place = {name: longest.index(name) if name in longest else 9 for name in groups}
        order = sorted(range(len(items)), key=lambda n: place[groups[n]])
        items[:] = [items[n] for n in order]


@pytest.fixture(scope="session")
def realdata() -> Path:
    """Folder of real published files; a visible skip where it is absent."""
    if not REALDATA.is_dir():
        pytest.skip(f"real published files are not at {REALDATA}: set EDUPLAN_REALDATA")
    return REALDATA


@pytest.fixture(scope="session")
def pg_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of the `postgres` database of a server that lives for this session."""
    from eduplan.postgres import EmbeddedPostgres

    server = EmbeddedPostgres(tmp_path_factory.mktemp("pg"), durable=False)
    server.start()
    try:
        yield server.url("postgres")
    finally:
        server.remove()  # root's server lies outside pytest's folder


@pytest.fixture(scope="session")
def pg_template(pg_server: str) -> str:
    """Name of a migrated database that tests copy."""
    from eduplan import warehouse

    with psycopg.connect(pg_server, autocommit=True) as conn:
        conn.execute("create database template_eduplan")
    with warehouse.connect(pg_server.rsplit("/", 1)[0] + "/template_eduplan") as conn:
        warehouse.migrate(conn)
        warehouse.load_regions(conn, PROJECT / "dbt_project" / "seeds" / "region.csv")
    return "template_eduplan"


@pytest.fixture
def db_url(pg_server: str, pg_template: str) -> Iterator[str]:
    """libpq URL of a fresh, migrated database; dropped after the test."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(pg_server, autocommit=True) as conn:
        conn.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(pg_template)
            )
        )
    yield pg_server.rsplit("/", 1)[0] + f"/{name}"
    with psycopg.connect(pg_server, autocommit=True) as conn:
        conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def db(db_url: str) -> Iterator[psycopg.Connection]:
    """Open connection to ``db_url``."""
    with psycopg.connect(db_url) as conn:
        yield conn


# --- the mini city: built once for all tests that read it -------------------------------------


@pytest.fixture(scope="session")
def warehouse_url(pg_server: str, pg_template: str) -> Iterator[str]:
    """A migrated database that lives as long as the session."""
    name = "mini_city"
    with psycopg.connect(pg_server, autocommit=True) as conn:
        conn.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(pg_template)
            )
        )
    yield pg_server.rsplit("/", 1)[0] + f"/{name}"
    with psycopg.connect(pg_server, autocommit=True) as conn:
        conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def dbt_settings(warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> "Settings":
    """Settings of a throw-away installation around that database.

    A dozen schools make small numbers: nothing is suppressed, so that every value can be pinned.
    """
    from eduplan.settings import Settings

    home = Path(tmp_path_factory.mktemp("dbt"))
    return Settings(home=home, database_url=warehouse_url, suppression_threshold=0)


@pytest.fixture(scope="session")
def built(warehouse_url: str, dbt_settings: "Settings") -> "BuildResult":
    """Publish the mini city and build the warehouse, tests included."""
    from eduplan import transform
    from tests.dbt import mini_city
    from tests.dbt.parts import platforms

    with psycopg.connect(warehouse_url) as conn:
        mini_city.publish(conn, mini_city.sheets())
        platforms.also(conn)
    return transform.build(dbt_settings)


@pytest.fixture
def marts(built: "BuildResult", warehouse_url: str) -> Iterator[psycopg.Connection]:
    """Connection to the built mini city."""
    with psycopg.connect(warehouse_url, autocommit=True) as conn:
        yield conn
