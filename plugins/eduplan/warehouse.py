"""Connections to the warehouse and its schema migrations."""

import csv
import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

_MIGRATION_LOCK = 4_504_001


def connect(url: str, *, autocommit: bool = False) -> psycopg.Connection:
    """Open a psycopg connection to the libpq ``url``; the caller closes it."""
    conn = psycopg.connect(url, autocommit=autocommit, application_name="eduplan")
    # Compiling the plan of a view with many joins takes seconds, running it a fraction of one.
    conn.execute("set jit = off")
    if not autocommit:
        conn.commit()
    return conn


@contextmanager
def reading(url: str, today: dt.date, seconds: int) -> Iterator[psycopg.Connection[Any]]:
    """Open a connection that can only read, for one page; a statement ends after ``seconds``.

    Views that count to a day count to ``today``. Raises psycopg.OperationalError within seconds
    when the server does not answer.
    """
    with psycopg.connect(url, connect_timeout=5, application_name="eduplan page") as conn:
        conn.read_only = True
        conn.execute(
            "select set_config('jit', 'off', false), set_config('eduplan.today', %s, false),"
            " set_config('statement_timeout', %s, false)",
            (today.isoformat(), f"{seconds}s"),
        )
        conn.commit()  # else a page that rolls back would lose them
        yield conn


@contextmanager
def session_lock(
    conn: psycopg.Connection[Any], name: str, seconds: float | None = None
) -> Iterator[None]:
    """Hold the lock called ``name`` for longer than a transaction; commits ``conn``.

    Waits for whoever has it. Raises TimeoutError when that takes longer than ``seconds``.
    """
    key = (name,)
    deadline = None if seconds is None else time.monotonic() + seconds
    if deadline is None:
        conn.execute("select pg_advisory_lock(hashtextextended(%s, 0))", key)
    else:
        try_lock = "select pg_try_advisory_lock(hashtextextended(%s, 0))"
        while conn.execute(try_lock, key).fetchone() != (True,):
            if time.monotonic() > deadline:
                conn.rollback()
                raise TimeoutError(name)
            time.sleep(0.2)
    conn.commit()
    try:
        yield
    finally:
        with suppress(psycopg.OperationalError):  # a lost session has lost its locks
            conn.rollback()
            conn.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", key)
            conn.commit()


def sqlalchemy_url(url: str, driver: str = "psycopg") -> str:
    """Return ``url`` with its driver written out, e.g. ``postgresql+psycopg://…``."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(scheme=f"postgresql+{driver}"))


def migrate(conn: psycopg.Connection) -> list[str]:
    """Apply the migrations that this database has not seen, in one transaction.

    Returns the names applied. Safe to call at every start and from several processes at once.
    """
    folder = resources.files("eduplan") / "sql" / "migrations"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    applied = []
    with conn.transaction(), conn.cursor() as cur:
        cur.execute("select pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
        cur.execute("create schema if not exists ops")
        cur.execute(
            "create table if not exists ops.migration (name text primary key,"
            " applied_at timestamptz not null default clock_timestamp())"
        )
        cur.execute("select name from ops.migration")
        seen = {row[0] for row in cur.fetchall()}
        for file in files:
            if file.name in seen:
                continue
            cur.execute(file.read_bytes())
            cur.execute("insert into ops.migration (name) values (%s)", (file.name,))
            applied.append(file.name)
    return applied


def load_regions(conn: psycopg.Connection, seed: Path) -> None:
    """Fill the county lists that rules look values up in from the warehouse's region ``seed``.

    ``seed`` is ``dbt_project/seeds/region.csv``: region_code, region_level (city, county,
    city_run), region_name, finance_name. Counties that left the seed stay: old rows name them.
    """
    with seed.open(encoding="utf-8", newline="") as handle:
        regions = [row for row in csv.DictReader(handle) if row["region_level"] != "city"]
    with conn.transaction(), conn.cursor() as cur:
        cur.executemany(
            "insert into ref_data.county values (%s, %s, %s) on conflict (county_code) do update"
            " set county_name = excluded.county_name, is_city_run = excluded.is_city_run"
            " where (county.county_name, county.is_city_run)"
            " is distinct from (excluded.county_name, excluded.is_city_run)",
            [
                (r["region_code"], r["region_name"], r["region_level"] == "city_run")
                for r in regions
            ],
        )
        cur.executemany(
            "insert into ref_data.region_name values (%s, %s) on conflict (region_name) do update"
            " set county_code = excluded.county_code"
            " where region_name.county_code is distinct from excluded.county_code",
            [
                (name, r["region_code"])
                for r in regions
                for name in dict.fromkeys((r["region_name"], r["finance_name"]))
            ],
        )
