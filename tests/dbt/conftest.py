"""The mini city, built once for all tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from eduplan import transform
from eduplan.settings import Settings
from tests.dbt import mini_city
from tests.dbt.parts import platforms


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
def dbt_settings(warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a throw-away installation around that database.

    A dozen schools make small numbers: nothing is suppressed, so that every value can be pinned.
    """
    home = Path(tmp_path_factory.mktemp("dbt"))
    return Settings(home=home, database_url=warehouse_url, suppression_threshold=0)


@pytest.fixture(scope="session")
def built(warehouse_url: str, dbt_settings: Settings) -> transform.BuildResult:
    """Publish the mini city and build the warehouse, tests included."""
    with psycopg.connect(warehouse_url) as conn:
        mini_city.publish(conn, mini_city.sheets())
        platforms.also(conn)
    return transform.build(dbt_settings)


@pytest.fixture
def marts(built: transform.BuildResult, warehouse_url: str) -> Iterator[psycopg.Connection]:
    """Connection to the built mini city."""
    with psycopg.connect(warehouse_url, autocommit=True) as conn:
        yield conn
