"""The admissions platform of the demo: the city's tables in a PostgreSQL database of their own.

``python -m demo.admissions --city FOLDER --secret FILE`` loads it into the server of the libpq URL
in ``ADMISSIONS_ADMIN_URL``: a password has no place on a command line.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import secrets
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql

from demo.city.admissions import FOLDER
from eduplan.postgres import write_private

DATABASE = "admissions"
READER = "admissions_reader"
# Types that PostgreSQL and MariaDB share; the platform numbers its rows.
TABLES = {
    "adm_plan": {
        "id": "integer",
        "admission_year": "integer not null",
        "school_code": "varchar(10) not null",
        "batch": "integer not null",
        "plan_places": "integer not null",
        "is_quality": "boolean not null",
        "quota_places": "integer",
        "rural_quota_places": "integer",
        "unified_from": "date not null",
        "unified_until": "date not null",
    },
    "adm_applicant": {
        "id": "integer",
        "admission_year": "integer not null",
        "exam_no": "varchar(20) not null",
        "name": "varchar(60) not null",
        "id_number": "varchar(18)",
        "sex": "varchar(4)",
        "junior_school_code": "varchar(10)",
        "hukou_county": "varchar(6)",
        "score": "numeric(5,1)",
        "is_absent": "boolean not null",
    },
    "adm_choice": {
        "id": "integer",
        "admission_year": "integer not null",
        "exam_no": "varchar(20) not null",
        "batch": "integer not null",
        "choice_order": "integer not null",
        "school_code": "varchar(10) not null",
    },
    "adm_offer": {
        "id": "integer",
        "admission_year": "integer not null",
        "exam_no": "varchar(20) not null",
        "school_code": "varchar(10) not null",
        "batch": "integer not null",
        "offered_at": "timestamp not null",
        "status": "varchar(12) not null",
    },
    "adm_registration": {
        "id": "integer",
        "admission_year": "integer not null",
        "exam_no": "varchar(20) not null",
        "school_code": "varchar(10) not null",
        "student_no": "varchar(24)",
        "registered_on": "date not null",
        "status": "varchar(12) not null",
    },
}


def load(city: Path, admin_url: str, secret: Path) -> str:
    """Make the database hold what ``city`` gives; return the URI of its read-only account.

    ``admin_url`` is a libpq URL of any database of the server for a role that may create databases
    and roles; ``secret`` keeps the reader's password (mode 0600), so that the URI stays the same.
    The same city again changes nothing. Safe to call again after a kill.
    """
    folder = city / FOLDER
    password = _password(secret)
    with psycopg.connect(admin_url, autocommit=True) as admin:
        if not admin.execute(
            "select 1 from pg_database where datname = %s", (DATABASE,)
        ).fetchone():
            admin.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
        known = admin.execute("select 1 from pg_roles where rolname = %s", (READER,)).fetchone()
        admin.execute(
            sql.SQL("{} role {} login password {}").format(
                sql.SQL("alter" if known else "create"),
                sql.Identifier(READER),
                sql.Literal(password),
            )
        )
    parts = urlsplit(admin_url)
    with psycopg.connect(parts._replace(path=f"/{DATABASE}").geturl()) as conn:
        _fill(conn, folder)
    host = parts.netloc.rpartition("@")[2]
    return f"postgres://{READER}:{quote(password, safe='')}@{host}/{DATABASE}"


def _password(secret: Path) -> str:
    try:
        return secret.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        write_private(secret, secrets.token_urlsafe(24))
        return secret.read_text(encoding="utf-8").strip()


def _fill(conn: psycopg.Connection, folder: Path) -> None:
    """Replace the tables in one transaction, unless they are these already."""
    digest = hashlib.sha256()
    for name in TABLES:
        digest.update((folder / f"{name}.csv").read_bytes())
    wanted = f"eduplan demo {digest.hexdigest()}"
    with conn.transaction():
        row = conn.execute("select obj_description('public'::regnamespace, 'pg_namespace')")
        if (row.fetchone() or ("",))[0] == wanted:
            return
        for name, columns in TABLES.items():
            table = sql.Identifier(name)
            conn.execute(sql.SQL("drop table if exists {}").format(table))
            conn.execute(
                sql.SQL("create table {} ({}, primary key (id))").format(
                    table,
                    sql.SQL(", ").join(
                        sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind))  # type: ignore[arg-type]
                        for column, kind in columns.items()
                    ),
                )
            )
            statement = sql.SQL("copy {} ({}) from stdin with (format csv, header match)").format(
                table, sql.SQL(", ").join(map(sql.Identifier, columns))
            )
            with conn.cursor().copy(statement) as copy:
                copy.write((folder / f"{name}.csv").read_bytes())
            conn.execute(sql.SQL("grant select on {} to {}").format(table, sql.Identifier(READER)))
        conn.execute(
            sql.SQL("revoke connect on database {} from public").format(sql.Identifier(DATABASE))
        )
        conn.execute(
            sql.SQL("grant connect on database {} to {}").format(
                sql.Identifier(DATABASE), sql.Identifier(READER)
            )
        )
        conn.execute(sql.SQL("comment on schema public is {}").format(sql.Literal(wanted)))


def main() -> None:
    """Load the tables."""
    parser = argparse.ArgumentParser(description="Load the demo's admissions platform")
    parser.add_argument("--city", type=Path, required=True, help="folder of the synthetic city")
    parser.add_argument("--secret", type=Path, required=True, help="file of the reader's password")
    options = parser.parse_args()
    load(options.city, os.environ["ADMISSIONS_ADMIN_URL"], options.secret)


if __name__ == "__main__":
    main()
