"""Compare a database with what the code says of its readers; nothing is changed."""

from dataclasses import dataclass
from typing import Any

import psycopg

from eduplan.access import grants, roles
from eduplan.access.logins import Login, load_groups, load_logins
from eduplan.settings import Settings

REFERENCE = ("dim_region", "dim_region_history")
"""Marts that name places and belong to none: lists that are public."""

_APPLY = "`eduplan access apply` mends it"
_FAULTS = {
    "no_policy": (
        "has rows of places and no row-level policy of ours",
        "`eduplan build --full-refresh` renews it (dbt_project/macros/access.sql)",
    ),
    "no_place": (
        "names places and has no column county_code",
        "give the model the column, or add it to the lists of eduplan/access/check.py",
    ),
    "no_filter": (
        "is a view of places that does not filter for its reader",
        "its SQL ends in `where {{ is_visible() }}`; then `eduplan build`",
    ),
    "not_invoker": (
        "does not run with its reader's rights: policies do not hold through it",
        "views of bi are `security_invoker`; then `eduplan build`",
    ),
    "owner": ("does not belong to the owner of the warehouse", "alter … owner to the owner"),
}


@dataclass(frozen=True)
class Breach:
    """Something that is not as the code says, and what to do."""

    what: str
    to_do: str
    is_grave: bool = True
    """False: lies outside the warehouse, somebody else's to decide."""


def check(conn: psycopg.Connection, settings: Settings) -> list[Breach]:
    """Return every difference between the database and the code, the grave ones first."""
    groups, logins = load_groups(settings), load_logins(settings)
    names = [*(group.role for group in groups), *(login.role for login in logins)]
    found = [
        *_roles(conn, names, logins),
        *_members(conn, names, logins),
        *_readers(conn, {g.role: g.county_codes for g in groups}),
        *_rights(conn, grants.wanted(conn, groups), grants.held(conn, names)),
        *_guards(conn),
        *_public(conn),
        *_functions(conn),
        *_elsewhere(conn),
        *_dependencies(conn, names),
    ]
    return sorted(found, key=lambda breach: not breach.is_grave)


def _roles(conn: psycopg.Connection, names: list[str], logins: tuple[Login, ...]) -> list[Breach]:
    ours = set(roles.own_roles(conn))
    found = [
        Breach(f"the role {role} does not exist", _APPLY) for role in names if role not in ours
    ]
    found += [
        Breach(f"the role {role} is in no file any more", _APPLY) for role in ours - set(names)
    ]
    by_role = {login.role: login for login in logins}
    rows = grants.rows_of(conn, "roles", roles=[role for role in names if role in ours])
    for row in rows:
        role = row["rolname"]
        found += [
            Breach(f"{role} has the attribute {word}", f"{_APPLY}, run by a superuser")
            for word in row["attributes"]
        ]
        found += _login(role, row, by_role.get(role))
    return found


def _login(role: str, row: dict[str, Any], login: Login | None) -> list[Breach]:
    if login is None:
        return [Breach(f"{role} is a group and can log in", _APPLY)] if row["rolcanlogin"] else []
    wrong = {
        "cannot log in": not row["rolcanlogin"],
        "does not inherit its group's rights": not row["rolinherit"],
        f"has a connection limit of {row['rolconnlimit']}": (
            row["rolconnlimit"] != login.connection_limit
        ),
        f"is valid until {row['valid_until']}": row["valid_until"] != login.valid_until,
    }
    wanted = {f"{name}={value}" for name, value in roles.settings_of_login(login).items()}
    for setting in sorted(wanted ^ set(row["settings"])):
        state = "has another setting" if setting in row["settings"] else "lacks the setting"
        wrong[f"{state} {setting}"] = True
    return [Breach(f"{role} {text}", _APPLY) for text, holds in wrong.items() if holds]


def _members(conn: psycopg.Connection, names: list[str], logins: tuple[Login, ...]) -> list[Breach]:
    wanted = {(login.group.role, login.role) for login in logins}
    present = {
        (row["role"], row["member"])
        for row in roles.memberships(conn, names)
        if row["is_plain"] or (row["role"], row["member"]) not in wanted
    }
    return [
        *(
            Breach(f"{m} is a member of {r} and no file says so", _APPLY)
            for r, m in present - wanted
        ),
        *(Breach(f"{m} is no plain member of {r}", _APPLY) for r, m in wanted - present),
    ]


def _readers(conn: psycopg.Connection, wanted: dict[str, tuple[str, ...] | None]) -> list[Breach]:
    rows = conn.execute("select role_name, county_codes from ops.reader").fetchall()
    present = {role: tuple(codes) if codes is not None else None for role, codes in rows}
    if present == wanted:
        return []
    return [Breach("ops.reader is not what the region seed says of who sees which rows", _APPLY)]


def _rights(
    conn: psycopg.Connection, wanted: set[grants.Right], held: set[grants.Right]
) -> list[Breach]:
    schemas = {row[0] for row in conn.execute("select nspname from pg_namespace").fetchall()}
    return [
        *(Breach(f"too much: {right}", _APPLY) for right in sorted(held - wanted)),
        *(
            Breach(f"missing: {right}", _APPLY)
            for right in sorted(wanted - held)
            if not right.schema or right.schema in schemas
        ),
    ]


def _guards(conn: psycopg.Connection) -> list[Breach]:
    rows = grants.rows_of(conn, "guards", reference=list(REFERENCE))
    return [
        Breach(
            f"{row['schema']}.{row['name']} {_FAULTS[row['fault']][0]}", _FAULTS[row["fault"]][1]
        )
        for row in rows
    ]


def _public(conn: psycopg.Connection) -> list[Breach]:
    """What everybody may do. Functions of the server are a superuser's to close."""
    found = []
    closed_by_owner = roles.is_superuser(conn)
    for right in sorted(grants.open_to_all(conn)):
        ours = right.kind != "function" or closed_by_owner
        found.append(
            Breach(
                f"everybody may: {right.privilege} {right.kind} {right.schema}.{right.name}",
                _APPLY if ours else "a superuser runs the statement of docs/access.md",
                ours,
            )
        )
    return found


def _elsewhere(conn: psycopg.Connection) -> list[Breach]:
    """Other databases of the server that let everybody in, readers too."""
    rows = conn.execute(
        "select datname from pg_database where datallowconn and datname <> current_database()"
        " and exists (select from aclexplode(coalesce(datacl, acldefault('d', datdba))) as acl"
        " where acl.grantee = 0 and acl.privilege_type = 'CONNECT') order by 1"
    ).fetchall()
    return [
        Breach(
            f"everybody on this server may connect to its database {name}",
            f"its owner runs: revoke connect, temporary on database {name} from public",
            is_grave=False,
        )
        for (name,) in rows
    ]


def _functions(conn: psycopg.Connection) -> list[Breach]:
    rows = conn.execute(
        "select oid::regprocedure::text from pg_proc where prosecdef"
        " and pronamespace = any(select oid from pg_namespace where nspname = any(%s)) order by 1",
        ([*grants.SCHEMAS, "public"],),
    ).fetchall()
    return [
        Breach(f"{row[0]} runs with its owner's rights", "make it SECURITY INVOKER") for row in rows
    ]


def _dependencies(conn: psycopg.Connection, names: list[str]) -> list[Breach]:
    """What the roles own, and rights on kinds of things the rules do not know."""
    return [
        Breach(f"{row['role']} {row['how']} {row['what']}", "a superuser mends it by hand")
        for row in grants.rows_of(conn, "dependencies", roles=names)
    ]
