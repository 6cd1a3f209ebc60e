"""A server where the owner of the warehouse is no superuser: it may create roles, no more."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import yaml
from psycopg import sql

from eduplan import warehouse
from eduplan.access import check, roles
from eduplan.access.logins import AccessError
from eduplan.settings import Settings
from tests.conftest import PROJECT

PREFIX = "ext"
OWNER = "ext_owner_of_warehouse"


@pytest.fixture
def external(pg_server: str, tmp_path: Path) -> Iterator[Settings]:
    """A database whose owner has CREATEROLE, migrated by that owner."""
    name = f"ext_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(pg_server, autocommit=True) as conn:
        conn.execute(
            sql.SQL("create role {} login createrole password 'x'").format(sql.Identifier(OWNER))
        )
        conn.execute(
            sql.SQL("create database {} owner {}").format(
                sql.Identifier(name), sql.Identifier(OWNER)
            )
        )
    place = pg_server.split("@", 1)[1].rsplit("/", 1)[0]
    settings = Settings(
        home=tmp_path, database_url=f"postgresql://{OWNER}:x@{place}/{name}", role_prefix=PREFIX
    )
    with warehouse.connect(str(settings.database_url)) as conn:
        warehouse.migrate(conn)
        warehouse.load_regions(conn, PROJECT / "dbt_project" / "seeds" / "region.csv")
    yield settings
    with psycopg.connect(pg_server, autocommit=True) as conn:
        conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
        rows = conn.execute(
            "select rolname from pg_roles where rolname ~ '^ext2?_' order by rolname = %s", (OWNER,)
        ).fetchall()
        for (role,) in rows:
            conn.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


def logins(settings: Settings, **entries: dict[str, object]) -> None:
    """Write access.yaml."""
    (settings.home / "access.yaml").write_text(yaml.safe_dump({"logins": entries}))


def url_of(settings: Settings, name: str) -> str:
    """URL of a login."""
    secret = json.loads((settings.home / "access.json").read_text())[name]
    place = str(settings.database_url).split("@", 1)[1]
    return f"postgresql://{PREFIX}_{name}:{secret}@{place}"


@pytest.fixture
def owner(external: Settings) -> Iterator[psycopg.Connection]:
    """Connection of the owner."""
    with warehouse.connect(str(external.database_url), autocommit=True) as conn:
        yield conn


def _build(owner: psycopg.Connection) -> None:
    """A mart with its policy and a view of bi, as a build leaves them."""
    for statement in (
        "create table marts.m (county_code text, n int)",
        "insert into marts.m values ('450400', 1), ('450421', 2), ('450422', 3), (null, 4)",
        "alter table marts.m enable row level security",
        "create policy readers_by_county on marts.m for select"
        " using ((select edu.sees_everything())"
        " or county_code = any ((select edu.visible_counties())::text[]))",
        "create view bi.v with (security_invoker = true) as select n from marts.m",
        "select ops.grant_beneath('bi.v')",
    ):
        owner.execute(statement)


def test_readers_of_an_owner_without_superuser(
    external: Settings, owner: psycopg.Connection
) -> None:
    """Made, checked, limited to their county by the same means; taken away without a trace."""
    logins(
        external,
        bureau={"role": "bi", "connection_limit": 2},
        tengxian={"role": "county", "county": "450422"},
    )
    done = roles.apply(owner, external)
    assert done is not None
    assert {"ext_bureau", "ext_tengxian", "ext_county_450422"} <= set(done.created)
    _build(owner)
    for name, expected in (("bureau", [1, 2, 3, 4]), ("tengxian", [1, 3])):
        with psycopg.connect(url_of(external, name)) as conn:
            rows = conn.execute("select n from v order by 1").fetchall()
            assert [row[0] for row in rows] == expected
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute("select * from marts.m")

    found = check.check(owner, external)
    assert [breach for breach in found if breach.is_grave] == []
    assert any("lo_create" in breach.what for breach in found), "only a superuser can close these"
    assert str(roles.apply(owner, external)) == "nothing to change"

    session = psycopg.connect(url_of(external, "tengxian"), autocommit=True)
    logins(external, bureau={"role": "bi", "connection_limit": 2})
    done = roles.apply(owner, external)
    assert done is not None
    assert done.dropped == ("ext_tengxian",)
    with pytest.raises(psycopg.OperationalError):
        session.execute("select 1")
    assert [breach for breach in check.check(owner, external) if breach.is_grave] == []
    assert set(json.loads((external.home / "access.json").read_text())) == {"bureau"}


def test_a_rotated_password_ends_the_sessions_of_the_old_one(
    external: Settings, owner: psycopg.Connection
) -> None:
    logins(external, bureau={"role": "bi"}, other={"role": "bi"})
    roles.apply(owner, external)
    old = url_of(external, "bureau")
    session = psycopg.connect(old, autocommit=True)
    with psycopg.connect(url_of(external, "other"), autocommit=True) as another:
        roles.apply(owner, external, rotate=["bureau"])
        with pytest.raises(psycopg.OperationalError):
            session.execute("select 1")
        another.execute("select 1")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(old)
    psycopg.connect(url_of(external, "bureau")).close()
    with pytest.raises(AccessError, match="nobody is no login"):
        roles.apply(owner, external, rotate=["nobody"])


def test_roles_of_others_are_left_alone(
    external: Settings, owner: psycopg.Connection, pg_server: str
) -> None:
    """A role of the same name without the mark of this warehouse stops everything."""
    logins(external, bureau={"role": "bi"})
    with psycopg.connect(pg_server, autocommit=True) as conn:
        conn.execute("create role ext_bureau")
    with pytest.raises(AccessError, match="ext_bureau exists on this server and is not made by"):
        roles.apply(owner, external)
    assert roles.own_roles(owner) == []
    second = external.model_copy(update={"role_prefix": "ext2"})
    done = roles.apply(owner, second)
    assert done is not None
    assert "ext2_bureau" in done.created


def test_what_a_superuser_closes_stays_open_to_the_owner(
    external: Settings, owner: psycopg.Connection, pg_server: str
) -> None:
    """The statement of docs/access.md, as it stands there: builds still take their locks."""
    page = (PROJECT / "docs" / "access.md").read_text(encoding="utf-8")
    statement = page[page.index("do $$ declare") : page.index("end $$;") + len("end $$;")]
    logins(external, bureau={"role": "bi"})
    roles.apply(owner, external)
    name = str(external.database_url).rsplit("/", 1)[1]
    with psycopg.connect(pg_server.rsplit("/", 1)[0] + f"/{name}", autocommit=True) as superuser:
        superuser.execute(statement.replace("to eduplan", f"to {OWNER}").encode())
    assert not [b for b in check.check(owner, external) if "lo_" in b.what]
    owner.execute("select pg_advisory_lock(1), pg_advisory_unlock(1)")
    assert str(roles.apply(owner, external)) == "nothing to change"
    with psycopg.connect(url_of(external, "bureau"), autocommit=True) as reader:
        reader.execute("set default_transaction_read_only = off")
        for attack in ("select lo_create(0)", "select pg_try_advisory_lock(4504002)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(attack)


def test_what_the_owner_lacks_is_said(
    external: Settings, owner: psycopg.Connection, pg_server: str
) -> None:
    """Without CREATEROLE there are no readers, and everything else goes on."""
    with psycopg.connect(pg_server, autocommit=True) as conn:
        conn.execute(sql.SQL("alter role {} nocreaterole").format(sql.Identifier(OWNER)))
    with pytest.raises(AccessError, match="may not create roles") as caught:
        roles.apply(owner, external)
    assert caught.value.hint == f"a superuser runs once: alter role {OWNER} createrole"
    said = roles.apply_at_start(str(external.database_url), external)
    assert said.startswith(f"no readers: {OWNER} may not create roles")


def test_a_start_does_not_wait_for_a_build(external: Settings, owner: psycopg.Connection) -> None:
    with psycopg.connect(str(external.database_url), autocommit=True) as build:
        build.execute("select pg_advisory_lock(%s)", (roles.BUILD_LOCK,))
        said = roles.apply_at_start(str(external.database_url), external)
    assert said == "readers: unchanged, a build is running"
    assert roles.own_roles(owner) == []


def test_an_older_server_is_refused(
    external: Settings, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is done, with its version."""
    monkeypatch.setattr(roles, "MINIMUM", 990_000)
    with pytest.raises(AccessError, match=r"PostgreSQL \d\d is too old"):
        roles.apply(owner, external)


def test_builds_and_readers_take_the_same_lock() -> None:
    from eduplan import transform

    assert roles.BUILD_LOCK == transform.BUILD_LOCK
