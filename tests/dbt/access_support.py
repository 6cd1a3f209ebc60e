"""A built mini city with readers, for tests of who may read what."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import yaml
from psycopg import sql

from eduplan.settings import Settings

CITY = "450400"
COUNTIES = ("450401", "450403", "450405", "450406", "450421", "450422", "450423", "450481")
KINDS = ("steward", "analyst", "bi")

REFUSED = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.ReadOnlySqlTransaction,
)


@dataclass(frozen=True)
class City:
    """A warehouse, its settings and the passwords of its readers."""

    url: str
    settings: Settings

    @contextmanager
    def owner(self) -> Iterator[psycopg.Connection]:
        """Connect as the owner."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            yield conn

    def dsn(self, login: str) -> str:
        """URL of a reader: ``steward``, ``analyst``, ``bi`` or a county's code."""
        name = f"of_{login}"
        secret = json.loads((self.settings.home / "access.json").read_text())[name]
        place = self.url.split("@", 1)[1]
        return f"postgresql://{self.settings.role_prefix}_{name}:{secret}@{place}"

    @contextmanager
    def reader(self, login: str) -> Iterator[psycopg.Connection]:
        """Connect as a reader who has switched off what protects only from accidents."""
        with psycopg.connect(self.dsn(login), autocommit=True) as conn:
            conn.execute("set default_transaction_read_only = off")
            conn.execute("set statement_timeout = 0")
            yield conn


@contextmanager
def copied(source: str, settings: Settings, home: Path, name: str, prefix: str) -> Iterator[City]:
    """A copy ``name`` of the database of URL ``source`` with logins; its roles go with it."""
    server = source.rsplit("/", 1)[0]
    pg_server = f"{server}/postgres"
    with psycopg.connect(pg_server, autocommit=True) as conn:
        conn.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(source.rsplit("/", 1)[1])
            )
        )
    write_logins(home)
    url = f"{server}/{name}"
    yield City(
        url,
        settings.model_copy(update={"home": home, "database_url": url, "role_prefix": prefix}),
    )
    with psycopg.connect(pg_server, autocommit=True) as conn:
        conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
        drop_roles(conn, prefix)


def write_logins(home: Path, **more: dict[str, object]) -> None:
    """One login for each kind of reader and each county: ``of_bi``, ``of_450403`` …"""
    logins: dict[str, object] = {f"of_{kind}": {"role": kind} for kind in KINDS}
    logins |= {f"of_{code}": {"role": "county", "county": code} for code in COUNTIES}
    home.mkdir(parents=True, exist_ok=True)
    (home / "access.yaml").write_text(yaml.safe_dump({"logins": logins | more}))


def drop_roles(conn: psycopg.Connection, prefix: str) -> None:
    """Drop the roles of a test; its database has to be gone."""
    rows = conn.execute(
        "select rolname from pg_roles where starts_with(rolname, %s)", (f"{prefix}_",)
    ).fetchall()
    for (role,) in rows:
        conn.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))
