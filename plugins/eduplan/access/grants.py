"""Which rights the readers' roles have, as rules; and what differs from them in a database.

The rules name schemas; what a database holds is looked up. Applying takes what is too much and
gives what is missing, so that a second time does nothing.
"""

from collections.abc import Iterable, Mapping
from importlib import resources
from itertools import groupby
from typing import Any, NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from eduplan.access.logins import Group

READ = {
    "steward": ("raw", "quality", "marts", "bi", "ref", "history", "ops"),
    "analyst": ("marts", "bi", "ref", "history"),
    "bi": ("bi",),
    "county": ("bi",),
}
"""Kind of reader -> schemas of which it may name and read everything, now and in future."""

ANALYST_OPS: Mapping[str, tuple[str, ...]] = {
    "batch": ("replay_by", "replay_why"),
    "batch_file": ("path", "sheet", "error"),
    "build": (),
    "build_node": (),
    "drift_event": (),
    "migration": (),
    "pull": ("spool", "next_page", "error"),
}
"""Tables of schema ops an analyst reads -> columns left out: names of people, or of their files."""

BUILT = ("marts", "bi", "ref", "history")
"""Schemas that the first build makes, and `apply` where it comes before."""

SCHEMAS = ("raw", "quality", "audit", "ops", "edu", "ref_data", "staging", "intermediate", *BUILT)
"""Every schema of the warehouse."""


class Right(NamedTuple):
    """One privilege of one role on one thing, as the catalogue spells it."""

    kind: str
    schema: str
    name: str
    part: str
    """A column, or the arguments of a function."""
    privilege: str
    role: str

    def __str__(self) -> str:
        """Return it in words."""
        thing = ".".join(filter(None, (self.schema, self.name, self.part)))
        return f"{self.role}: {self.privilege} on {self.kind} {thing}"


def statement(name: str) -> bytes:
    """Return ``sql/access/<name>.sql``."""
    return (resources.files("eduplan") / "sql" / "access" / f"{name}.sql").read_bytes()


def rows_of(conn: psycopg.Connection, name: str, **values: Any) -> list[dict[str, Any]]:
    """Run ``sql/access/<name>.sql``."""
    return conn.cursor(row_factory=dict_row).execute(statement(name), values or None).fetchall()


def wanted(conn: psycopg.Connection, groups: Iterable[Group]) -> set[Right]:
    """Return the rights the rules give in this database; logins have none of their own."""
    database, owner = conn.execute("select current_database(), current_user").fetchone() or ("", "")
    relations = rows_of(conn, "relations", schemas=list(SCHEMAS))
    beneath = rows_of(conn, "beneath")
    ops = conn.execute(
        "select c.relname, a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid"
        " where c.relnamespace = 'ops'::regnamespace and a.attnum > 0 and not a.attisdropped"
    ).fetchall()
    found: set[Right] = set()
    for group in groups:
        role = group.role
        found.add(Right("database", "", database, "", "connect", role))
        for schema in READ[group.kind]:
            found.add(Right("schema", schema, "", "", "usage", role))
            found.add(Right("future tables", schema, owner, "", "select", role))
        found.update(
            Right("table", r["schema"], r["name"], "", "select", role)
            for r in relations
            if r["schema"] in READ[group.kind]
        )
        found.update(
            Right("table", item["schema"], item["name"], "", "select", role) for item in beneath
        )
        if group.kind == "analyst":
            found.add(Right("schema", "ops", "", "", "usage", role))
            found.update(
                Right("column", "ops", table, column, "select", role)
                for table, column in ops
                if column not in ANALYST_OPS.get(table, (column,))
            )
    return found


def held(conn: psycopg.Connection, roles: Iterable[str]) -> set[Right]:
    """Return the rights that ``roles`` hold in this database."""
    return {
        # A right that may be passed on is more than any rule gives.
        _right(row, row["role"], " *" if row["is_grantable"] else "")
        for row in rows_of(conn, "granted", roles=list(roles))
    }


def _right(row: Mapping[str, str], role: str, more: str = "") -> Right:
    return Right(
        row["kind"], row["schema"], row["name"], row["part"], row["privilege"] + more, role
    )


def open_to_all(conn: psycopg.Connection) -> set[Right]:
    """Return what PUBLIC may do here and should not."""
    return {_right(row, "public") for row in rows_of(conn, "public", schemas=[*SCHEMAS])}


def give(conn: psycopg.Connection, rights: Iterable[Right]) -> None:
    """Grant ``rights``."""
    _change(conn, rights, sql.SQL("grant"), sql.SQL("to"))


def take(conn: psycopg.Connection, rights: Iterable[Right]) -> None:
    """Revoke ``rights``."""
    _change(conn, rights, sql.SQL("revoke"), sql.SQL("from"))


def _change(
    conn: psycopg.Connection, rights: Iterable[Right], verb: sql.SQL, towards: sql.SQL
) -> None:
    for _, group in groupby(sorted(rights), key=lambda right: right[:5]):
        same = list(group)
        right, roles = same[0], [item.role for item in same]
        names = sql.SQL(", ").join(
            sql.SQL("public") if role == "public" else sql.Identifier(role) for role in roles
        )
        prefix, thing = _thing(right)
        conn.execute(
            sql.SQL("{}{} {} on {} {} {}").format(
                prefix, verb, _privilege(right), thing, towards, names
            )
        )


def _privilege(right: Right) -> sql.Composable:
    # From the catalogue or the rules above, never from outside.
    word = sql.SQL(right.privilege.removesuffix(" *"))
    if right.kind == "column":
        return sql.SQL("{} ({})").format(word, sql.Identifier(right.part))
    return word


def _thing(right: Right) -> tuple[sql.Composable, sql.Composable]:
    """Return what stands before the verb and what is granted on."""
    nothing = sql.SQL("")
    match right.kind:
        case "database":
            return nothing, sql.SQL("database {}").format(sql.Identifier(right.name))
        case "schema":
            return nothing, sql.SQL("schema {}").format(sql.Identifier(right.schema))
        case "table" | "column":
            return nothing, sql.Identifier(right.schema, right.name)
        case "sequence":
            return nothing, sql.SQL("sequence {}").format(sql.Identifier(right.schema, right.name))
        case "function":
            return nothing, sql.SQL("routine {}({})").format(
                sql.Identifier(right.schema, right.name),
                sql.SQL(right.part),
            )
    kind = right.kind.removeprefix("future ")
    within = (
        sql.SQL("in schema {} ").format(sql.Identifier(right.schema)) if right.schema else nothing
    )
    return (
        sql.SQL("alter default privileges for role {} {}").format(
            sql.Identifier(right.name), within
        ),
        sql.SQL(kind),
    )
