"""What `eduplan access check` finds when somebody has been at the database, and what mends it."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner

from eduplan import transform, warehouse
from eduplan.access import check, roles
from eduplan.cli import app
from eduplan.settings import Settings
from tests.dbt.access_support import City, copied


@pytest.fixture(scope="module")
def city(
    built: transform.BuildResult,
    dbt_settings: Settings,
    warehouse_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[City]:
    """A copy of the built mini city with readers."""
    home = Path(tmp_path_factory.mktemp("check"))
    with copied(warehouse_url, dbt_settings, home, "access_check", "chk") as found:
        with warehouse.connect(found.url) as conn:
            roles.apply(conn, found.settings)
        yield found


def grave(conn: psycopg.Connection, settings: Settings) -> list[str]:
    """What is found that has to be mended."""
    return [breach.what for breach in check.check(conn, settings) if breach.is_grave]


UNGUARDED = [
    (
        "alter table marts.ind_value disable row level security",
        "marts.ind_value has rows of places and no row-level policy of ours",
    ),
    (
        "drop policy readers_by_county on marts.fct_task",
        "marts.fct_task has rows of places and no row-level policy of ours",
    ),
    (
        "create policy more on marts.dim_school using (true)",
        "marts.dim_school has rows of places and no row-level policy of ours",
    ),
    (
        "alter policy readers_by_county on marts.dim_school using (county_code is not null)",
        "marts.dim_school has rows of places and no row-level policy of ours",
    ),
    (
        "create table marts.fct_new (county_code text, n int)",
        "marts.fct_new has rows of places and no row-level policy of ours",
    ),
    (
        "create table marts.fct_new (school_code text, n int)",
        "marts.fct_new names places and has no column county_code",
    ),
    (
        "create materialized view marts.mv as select county_code from marts.dim_school",
        "marts.mv has rows of places and no row-level policy of ours",
    ),
    (
        "create view marts.qa_new as select county_code from marts.dim_school",
        "marts.qa_new is a view of places that does not filter for its reader",
    ),
    (
        "alter view marts.qa_late_register reset (security_barrier)",
        "marts.qa_late_register is a view of places that does not filter for its reader",
    ),
    (
        "create view bi.new as select * from marts.dim_school",
        "bi.new does not run with its reader's rights: policies do not hold through it",
    ),
    (
        "alter view bi.school set (security_invoker = false)",
        "bi.school does not run with its reader's rights: policies do not hold through it",
    ),
    (
        "create table bi.copied as select * from marts.dim_school",
        "bi.copied does not run with its reader's rights: policies do not hold through it",
    ),
    (
        "create function edu.wide() returns bigint language sql security definer"
        " as 'select count(*) from raw.students'",
        "edu.wide() runs with its owner's rights",
    ),
]


@pytest.mark.parametrize(("done", "found"), UNGUARDED)
def test_what_is_not_guarded_is_named(city: City, done: str, found: str) -> None:
    """A mart with a place and without a policy of ours fails; so does what reads around one."""
    with psycopg.connect(city.url) as conn:
        conn.execute(done)
        assert found in grave(conn, city.settings)
        conn.rollback()


DRIFT = [
    ("grant select on raw.students to chk_bi", "too much: chk_bi: select on table raw.students"),
    (
        "grant select (name) on raw.students to chk_of_450403",
        "too much: chk_of_450403: select on column raw.students.name",
    ),
    (
        "grant insert on bi.school to chk_analyst",
        "too much: chk_analyst: insert on table bi.school",
    ),
    (
        "grant select on bi.school to chk_bi with grant option",
        "too much: chk_bi: select * on table bi.school",
    ),
    (
        "grant usage on schema marts to chk_county_450403",
        "too much: chk_county_450403: usage on schema marts",
    ),
    ("grant create on schema bi to chk_bi", "too much: chk_bi: create on schema bi"),
    (
        "grant temporary on database access_check to chk_bi",
        "too much: chk_bi: temporary on database access_check",
    ),
    (
        "grant execute on function edu.pseudonym(text) to chk_steward",
        "too much: chk_steward: execute on function edu.pseudonym.value text",
    ),
    (
        "grant usage on sequence ops.batch_batch_id_seq to chk_bi",
        "too much: chk_bi: usage on sequence ops.batch_batch_id_seq",
    ),
    (
        "alter default privileges in schema raw grant select on tables to chk_bi",
        "too much: chk_bi: select on future tables raw.eduplan",
    ),
    (
        "revoke select on marts.ind_value from chk_analyst",
        "missing: chk_analyst: select on table marts.ind_value",
    ),
    (
        "revoke select on marts.ind_value from chk_county_450403",
        "missing: chk_county_450403: select on table marts.ind_value",
    ),
    ("grant chk_steward to chk_of_450403", "chk_of_450403 is a member of chk_steward"),
    ("grant pg_read_all_data to chk_of_bi", "chk_of_bi is a member of pg_read_all_data"),
    (
        "grant chk_county_450421 to chk_of_450403 with admin option",
        "chk_of_450403 is a member of chk_county_450421",
    ),
    ("revoke chk_bi from chk_of_bi", "chk_of_bi is no plain member of chk_bi"),
    ("alter role chk_of_bi bypassrls", "chk_of_bi has the attribute bypassrls"),
    ("alter role chk_of_450403 superuser", "chk_of_450403 has the attribute superuser"),
    ("alter role chk_bi login", "chk_bi is a group and can log in"),
    ("alter role chk_of_bi connection limit -1", "chk_of_bi has a connection limit of -1"),
    ("alter role chk_of_bi valid until '2020-01-01'", "chk_of_bi is valid until 2020-01-01"),
    (
        "alter role chk_of_bi set statement_timeout = 0",
        "chk_of_bi has another setting statement_timeout=0",
    ),
    (
        "alter role chk_of_bi reset default_transaction_read_only",
        "chk_of_bi lacks the setting default_transaction_read_only=on",
    ),
    ("drop role chk_of_450481", "the role chk_of_450481 does not exist"),
    (
        "update ops.reader set county_codes = '{450403,450421}' where role_name like '%450403'",
        "ops.reader is not what the region seed says",
    ),
    ("grant select on marts.ind_value to public", "everybody may: select table marts.ind_value"),
    ("grant usage on schema marts to public", "everybody may: usage schema marts."),
    ("grant create on schema public to public", "everybody may: create schema public."),
    ("grant connect on database access_check to public", "everybody may: connect database"),
    (
        "grant execute on function pg_catalog.lo_create(oid) to public",
        "everybody may: execute function pg_catalog.lo_create",
    ),
]


@pytest.mark.parametrize(("done", "found"), DRIFT)
def test_drift_is_found_and_applying_mends_it(city: City, done: str, found: str) -> None:
    """Whatever was given or taken by hand is as the code says afterwards."""
    with warehouse.connect(city.url) as conn:
        conn.execute(sql.SQL(done))
        assert any(what.startswith(found) for what in grave(conn, city.settings))
        roles.apply(conn, city.settings)
        assert grave(conn, city.settings) == []
        conn.rollback()  # roles of the server too: the next case starts clean


def test_what_a_role_owns_stops_the_removal(city: City) -> None:
    """Dropping a role would drop it: that is a person's decision."""
    with warehouse.connect(city.url) as conn:
        conn.execute("alter table marts.dim_stage owner to chk_of_bi")
        found = grave(conn, city.settings)
        assert "chk_of_bi owns table marts.dim_stage" in found
        assert "marts.dim_stage does not belong to the owner of the warehouse" in found
        conn.rollback()


def test_the_commands(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """apply, show, dsn and check as a person runs them."""
    monkeypatch.setenv("EDUPLAN_DATABASE_URL", city.url)
    monkeypatch.setenv("EDUPLAN_HOME", str(city.settings.home))
    monkeypatch.setenv("EDUPLAN_ROLE_PREFIX", "chk")
    run = CliRunner()
    done = run.invoke(app, ["access", "apply"])
    assert (done.exit_code, done.stdout.strip()) == (0, "nothing to change")

    shown = run.invoke(app, ["access", "show", "-f", "csv"])
    lines = shown.stdout.splitlines()
    assert "chk_county_450403,,450403 450400,万秀区,bi,,,True" in lines
    assert "chk_of_450403,of_450403,450403 450400,万秀区,bi,5,,True" in lines
    assert len(lines) == 1 + 11 + 11

    secret = run.invoke(app, ["access", "dsn", "of_450403", "--sslmode", "prefer"])
    with psycopg.connect(secret.stdout.strip()) as conn:
        assert conn.execute("select current_user").fetchone() == ("chk_of_450403",)
    password = secret.stdout.split(":")[2].split("@")[0]
    for text in (done.stdout, shown.stdout):
        assert password not in text
    elsewhere = run.invoke(
        app,
        ["access", "dsn", "of_bi", "--host", "db.example.cn", "--port", "5433",
         "--sslmode", "verify-full", "--sslrootcert", "/etc/ssl/ca.pem"],
    )  # fmt: skip
    assert elsewhere.stdout.strip().endswith(
        "@db.example.cn:5433/access_check?sslmode=verify-full&sslrootcert=/etc/ssl/ca.pem"
    )

    assert run.invoke(app, ["access", "check"]).exit_code == 0
    with city.owner() as owner:
        owner.execute("grant select on raw.students to chk_bi")
        found = run.invoke(app, ["access", "check", "-f", "json"])
        assert found.exit_code == 1
        assert "chk_bi: select on table raw.students" in found.stdout
        assert "`eduplan access apply` mends it" in found.stdout
    assert run.invoke(app, ["access", "apply"]).stdout.strip() == "revoked 1 rights"
    assert run.invoke(app, ["access", "check"]).exit_code == 0
