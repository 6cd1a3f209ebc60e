"""Bring a server's roles and rights to what the code says; only roles of this warehouse change."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from eduplan import warehouse
from eduplan.access import grants
from eduplan.access.logins import AccessError, Group, Login, load_groups, load_logins, passwords
from eduplan.settings import Settings

MINIMUM = 160_000
"""PostgreSQL 16: who may create roles administers what he created, and no other."""

BUILD_LOCK = 4_504_002
"""A build renews what is granted here: they wait for each other (as in ``transform``)."""

_MARK = "eduplan access: "
_ATTRIBUTES = ("super", "createrole", "createdb", "replication", "bypassrls")


@dataclass(frozen=True)
class Applied:
    """What a run of `apply` changed."""

    created: tuple[str, ...]
    dropped: tuple[str, ...]
    granted: int
    revoked: int

    def __str__(self) -> str:
        """Return one line."""
        parts = [f"created {', '.join(self.created)}"] if self.created else []
        parts += [f"dropped {', '.join(self.dropped)}"] if self.dropped else []
        parts += [f"granted {self.granted} rights"] if self.granted else []
        parts += [f"revoked {self.revoked} rights"] if self.revoked else []
        return "; ".join(parts) or "nothing to change"


def settings_of_login(login: Login) -> dict[str, str]:
    """Return what every session of ``login`` starts with: a group's settings are not inherited."""
    return {
        "default_transaction_read_only": "on",
        "idle_in_transaction_session_timeout": "1min",
        "lock_timeout": "5s",
        "search_path": "bi",
        "statement_timeout": login.statement_timeout,
    }


def mark(conn: psycopg.Connection) -> str:
    """Return the comment that makes a role this warehouse's: roles belong to the whole server."""
    return f"{_MARK}{conn.info.dbname}"


def own_roles(conn: psycopg.Connection) -> list[str]:
    """Return the roles that carry the mark of this warehouse."""
    rows = conn.execute(
        "select rolname from pg_roles where shobj_description(oid, 'pg_authid') = %s order by 1",
        (mark(conn),),
    ).fetchall()
    return [row[0] for row in rows]


def apply(
    conn: psycopg.Connection, settings: Settings, *, rotate: Iterable[str] = (), wait: bool = True
) -> Applied | None:
    """Create, alter and drop roles, give and take rights: all in one transaction.

    ``rotate`` names logins that get a new password and whose sessions end. Returns None where
    ``wait`` is false and a build is running. Raises AccessError where the server or its owner's
    rights do not allow it, and for a mistake in access.yaml.
    """
    groups, logins = load_groups(settings), load_logins(settings)
    unknown = sorted(set(rotate) - {login.name for login in logins})
    if unknown:
        raise AccessError(f"{', '.join(unknown)} is no login", hint="`eduplan access show`")
    _refuse_what_cannot_work(conn)
    secret = passwords(settings, logins, anew=frozenset(rotate))
    try:
        with conn.transaction():
            if wait:
                conn.execute("select pg_advisory_xact_lock(%s)", (BUILD_LOCK,))
            elif conn.execute("select pg_try_advisory_xact_lock(%s)", (BUILD_LOCK,)).fetchone() != (
                True,
            ):
                return None
            return _apply(conn, groups, logins, secret, frozenset(rotate))
    except psycopg.errors.InsufficientPrivilege as error:
        raise AccessError(
            f"the server refuses: {error.diag.message_primary}",
            hint="docs/access.md says what the owner of the warehouse needs",
        ) from None


def _refuse_what_cannot_work(conn: psycopg.Connection) -> None:
    if conn.info.server_version < MINIMUM:
        raise AccessError(
            f"PostgreSQL {conn.info.server_version // 10_000} is too old for roles of readers",
            hint="16 or newer; everything else works with this one",
        )
    row = conn.execute(
        "select rolsuper or rolcreaterole, pg_has_role(datdba, 'usage'), rolname"
        " from pg_roles cross join pg_database"
        " where rolname = current_user and datname = current_database()"
    ).fetchone()
    may_create, is_owner, user = row or (False, False, "")
    if not may_create:
        raise AccessError(
            f"{user} may not create roles",
            hint=f"a superuser runs once: alter role {user} createrole",
        )
    if not is_owner:
        raise AccessError(
            f"{user} does not own the database {conn.info.dbname}",
            hint=f"a superuser runs once: alter database {conn.info.dbname} owner to {user}",
        )


def _apply(
    conn: psycopg.Connection,
    groups: Sequence[Group],
    logins: Sequence[Login],
    secret: dict[str, str],
    rotate: frozenset[str],
) -> Applied:
    before = own_roles(conn)
    names = [*(group.role for group in groups), *(login.role for login in logins)]
    stale = [role for role in before if role not in names]
    created = [role for role in names if role not in before]
    _refuse_foreign(conn, created)
    for schema in grants.BUILT:
        conn.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
    for role in created:
        conn.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
        conn.execute(sql.SQL("comment on role {} is {}").format(sql.Identifier(role), mark(conn)))
    _plain(conn, names)
    for group in groups:
        conn.execute(sql.SQL("alter role {} nologin").format(sql.Identifier(group.role)))
    for login in logins:
        set_login(conn, login, secret[login.name])
    _readers(conn, groups)
    _members(conn, names, {(login.group.role, login.role) for login in logins})
    gone = [*stale, *(login.role for login in logins if login.name in rotate)]
    _end_sessions(conn, gone)
    _drop(conn, stale)
    expected, actual = grants.wanted(conn, groups), grants.held(conn, names)
    too_much = {*(actual - expected), *_closable(conn)}
    grants.take(conn, too_much)
    grants.give(conn, expected - actual)
    return Applied(tuple(created), tuple(stale), len(expected - actual), len(too_much))


def _refuse_foreign(conn: psycopg.Connection, roles: list[str]) -> None:
    """A role of that name which is not ours is somebody else's, or another warehouse's."""
    rows = conn.execute(
        "select rolname, coalesce(shobj_description(oid, 'pg_authid'), '') from pg_roles"
        " where rolname = any(%s)",
        (roles,),
    ).fetchall()
    for role, comment in rows:
        whose = comment.removeprefix(_MARK)
        of = f"of the warehouse {whose}" if whose != comment else "not made by eduplan"
        raise AccessError(
            f"the role {role} exists on this server and is {of}",
            hint="set EDUPLAN_ROLE_PREFIX to a prefix of this warehouse's own",
        )


def _plain(conn: psycopg.Connection, roles: list[str]) -> None:
    """Take every attribute that goes around rights; normally there is none to take."""
    rows = conn.cursor(row_factory=dict_row).execute(
        "select rolname, rolsuper as super, rolcreaterole as createrole, rolcreatedb as createdb,"
        " rolreplication as replication, rolbypassrls as bypassrls, not rolinherit as noinherit"
        " from pg_roles where rolname = any(%s)",
        (roles,),
    )
    for row in rows.fetchall():
        words = [f"no{name}user" if name == "super" else f"no{name}"
                 for name in _ATTRIBUTES if row[name]]  # fmt: skip
        words += ["inherit"] if row["noinherit"] else []
        if words:
            conn.execute(
                sql.SQL("alter role {} {}").format(
                    sql.Identifier(row["rolname"]),
                    sql.SQL(" ").join(map(sql.SQL, words)),
                )
            )


def set_login(conn: psycopg.Connection, login: Login, password: str) -> None:
    """Let an existing role log in, with password, limits and settings."""
    role = sql.Identifier(login.role)
    # The server, and what it logs, never sees the password: only its SCRAM verifier.
    verifier = conn.pgconn.encrypt_password(
        password.encode(), login.role.encode(), b"scram-sha-256"
    ).decode()
    until = login.valid_until.isoformat() if login.valid_until else "infinity"
    conn.execute(
        sql.SQL("alter role {} login connection limit {} valid until {} password {}").format(
            role, login.connection_limit, until, verifier
        )
    )
    conn.execute(sql.SQL("alter role {} reset all").format(role))
    for name, value in settings_of_login(login).items():
        conn.execute(sql.SQL("alter role {} set {} = {}").format(role, sql.Identifier(name), value))


def _readers(conn: psycopg.Connection, groups: Sequence[Group]) -> None:
    """Write what policies look up; unchanged rows stay as they are."""
    rows = [(g.role, g.kind, list(g.county_codes) if g.county_codes else None) for g in groups]
    conn.execute(
        "delete from ops.reader where role_name <> all(%s)", ([group.role for group in groups],)
    )
    conn.cursor().executemany(
        "insert into ops.reader values (%s, %s, %s) on conflict (role_name) do update"
        " set kind = excluded.kind, county_codes = excluded.county_codes"
        " where (reader.kind, reader.county_codes)"
        " is distinct from (excluded.kind, excluded.county_codes)",
        rows,
    )


def memberships(conn: psycopg.Connection, roles: list[str]) -> list[dict[str, Any]]:
    """Return who is a member of one of ``roles``, and of what they are members.

    Left out is the owner's right to administer what he created.
    """
    return (
        conn.cursor(row_factory=dict_row)
        .execute(
            "select granted.rolname as role, member.rolname as member, grantor.rolname as grantor,"
            " m.inherit_option and not m.set_option and not m.admin_option as is_plain"
            " from pg_auth_members m"
            " join pg_roles granted on granted.oid = m.roleid"
            " join pg_roles member on member.oid = m.member"
            " join pg_roles grantor on grantor.oid = m.grantor"
            " where (granted.rolname = any(%(roles)s) or member.rolname = any(%(roles)s))"
            " and member.rolname <> current_user",
            {"roles": roles},
        )
        .fetchall()
    )


def _members(conn: psycopg.Connection, roles: list[str], pairs: set[tuple[str, str]]) -> None:
    present = set()
    for row in memberships(conn, roles):
        pair = (row["role"], row["member"])
        if pair in pairs and row["is_plain"]:
            present.add(pair)
            continue
        conn.execute(
            sql.SQL("revoke {} from {} granted by {}").format(
                *(sql.Identifier(row[key]) for key in ("role", "member", "grantor"))
            )
        )
    for role, member in sorted(pairs - present):
        conn.execute(
            sql.SQL("grant {} to {} with inherit true, set false").format(
                sql.Identifier(role), sql.Identifier(member)
            )
        )


def is_superuser(conn: psycopg.Connection) -> bool:
    """Tell whether the owner is a superuser, as the embedded server's is."""
    return conn.execute(
        "select rolsuper from pg_roles where rolname = current_user"
    ).fetchone() == (True,)


def _end_sessions(conn: psycopg.Connection, roles: list[str]) -> None:
    """End the sessions of logins that are gone or have another password."""
    if not roles:
        return
    if not is_superuser(conn):
        _become_member(conn, roles)
    conn.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = any(%s)", (roles,)
    )


def _become_member(conn: psycopg.Connection, roles: list[str]) -> None:
    """Who administers a role may take its rights, and needs them to end or empty it."""
    for role in roles:
        conn.execute(
            sql.SQL("grant {} to current_user with inherit true, set false").format(
                sql.Identifier(role)
            )
        )


def _drop(conn: psycopg.Connection, roles: list[str]) -> None:
    if not roles:
        return
    owned = conn.execute(
        "select string_agg(distinct refobjid::regrole::text, ', ') from pg_shdepend"
        " where deptype = 'o' and refclassid = 'pg_authid'::regclass"
        " and refobjid = any(select oid from pg_roles where rolname = any(%s))",
        (roles,),
    ).fetchone()
    if owned and owned[0]:
        raise AccessError(
            f"{owned[0]} owns something, which dropping the role would drop",
            hint="a superuser runs first: reassign owned by … to the owner of the warehouse",
        )
    names = sql.SQL(", ").join(map(sql.Identifier, roles))
    conn.execute(sql.SQL("drop owned by {}").format(names))  # rights only: nothing is owned
    try:
        conn.execute(sql.SQL("drop role {}").format(names))
    except psycopg.errors.DependentObjectsStillExist as error:
        raise AccessError(
            f"{error.diag.message_primary}: {error.diag.message_detail}",
            hint="rights in another database of the server: revoke them there",
        ) from None


def _closable(conn: psycopg.Connection) -> set[grants.Right]:
    """What PUBLIC has too much and the owner can take; functions of the server need a superuser."""
    return {
        right
        for right in grants.open_to_all(conn)
        if right.kind != "function" or is_superuser(conn)
    }


def apply_at_start(url: str, settings: Settings) -> str:
    """Apply where that is possible without waiting; say in one line what came of it.

    A server on which roles cannot be made works without readers, as before.
    """
    with warehouse.connect(url) as conn:
        try:
            done = apply(conn, settings, wait=False)
        except AccessError as error:
            return f"no readers: {error}" + (f" ({error.hint})" if error.hint else "")
    return f"readers: {done}" if done else "readers: unchanged, a build is running"
