"""Connections to the warehouse and its schema migrations."""

from importlib import resources
from urllib.parse import urlsplit, urlunsplit

import psycopg

_MIGRATION_LOCK = 4_504_001


def connect(url: str, *, autocommit: bool = False) -> psycopg.Connection:
    """Open a psycopg connection to the libpq ``url``; the caller closes it."""
    return psycopg.connect(url, autocommit=autocommit, application_name="eduplan")


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
