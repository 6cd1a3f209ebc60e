"""The city's admissions platform on the tests' PostgreSQL, for as long as a test needs it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql

from demo import admissions


@contextlib.contextmanager
def loaded(city: Path, pg_server: str, secret: Path) -> Iterator[str]:
    """Load the tables of ``city``; yield the reader's URI; drop database and account."""
    try:
        yield admissions.load(city, pg_server, secret)
    finally:
        with psycopg.connect(pg_server, autocommit=True) as conn:
            conn.execute(
                sql.SQL("drop database if exists {} with (force)").format(
                    sql.Identifier(admissions.DATABASE)
                )
            )
            conn.execute(
                sql.SQL("drop role if exists {}").format(sql.Identifier(admissions.READER))
            )
