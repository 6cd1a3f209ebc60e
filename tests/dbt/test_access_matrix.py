"""Role x object x county on the mini city: who reads what, who writes nothing, what goes around it.

What is expected stands here by hand, not in the code under test. Everything is tried as a reader
who has switched off read-only and the time limit, after the first build with readers, after a
second one and after one that makes everything anew.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from eduplan import transform, warehouse
from eduplan.access import check, roles
from eduplan.settings import Settings
from tests.dbt.access_support import (
    CITY,
    COUNTIES,
    KINDS,
    REFUSED,
    City,
    copied,
)

A, B = "450403", "450421"
LOGINS = (*KINDS, *COUNTIES)

# --- what is expected, by hand ------------------------------------------------------------------

READS = {
    "steward": {"raw", "quality", "marts", "bi", "ref", "history", "ops"},
    "analyst": {"marts", "bi", "ref", "history"},
    "bi": {"bi"},
    "county": {"bi"},
}
OPS_READ = {"batch", "batch_file", "build", "build_node", "drift_event", "migration", "pull"}
OPS_HIDDEN = {
    ("batch", "replay_by"),
    ("batch", "replay_why"),
    ("batch_file", "path"),
    ("batch_file", "sheet"),
    ("batch_file", "error"),
    ("pull", "spool"),
    ("pull", "next_page"),
    ("pull", "error"),
}

OPS_WHOLE = OPS_READ - {table for table, _ in OPS_HIDDEN} | {"reader"}
"""The others are read by column; who has usage of ops sees which roles there are."""

CATALOGUE_SECRETS = ["pg_authid", "pg_statistic", "pg_user_mapping", "pg_subscription",
                     "pg_largeobject", "pg_hba_file_rules", "pg_file_settings",
                     "pg_shadow", "pg_config"]  # fmt: skip

PLACE = {
    "indicator_progress": "region_code",
    "indicator_value": "region_code",
    "indicator_revision": "region_code",
    "indicator_projection": "region_code",
    "plan_comparison": "region_code",
    "quality_pass_rate": "region_code",
    "alert": "region_code",
    "school_indicator": "county_code",
    "school": "county_code",
    "school_measure": "county_code",
    "late_register": "county_code",
    "report_coverage": "county_code",
    "reconciliation": "county_code",
    # What an organisation of the city leads carries the city-run code there and concerns everybody.
    "task": f"case owner_region_code when '450401' then '{CITY}' else owner_region_code end",
}
"""English view -> whose business a row is."""

BUILT_AGAIN = ["ind_value", "fct_school_measure", "dim_school", "fct_task", "qa_late_register",
               "qa_pass_rate", "bi"]  # fmt: skip
"""In the second build: tables and views of marts, and all that is read."""

OPEN = {"region", "indicator", "indicator_benchmark", "quality_check", "quarantine_burndown"}
"""Views without rows of one place."""


# --- the city ------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["first build", "second build", "full refresh"])
def phase(request: pytest.FixtureRequest) -> str:
    """What was built last."""
    return str(request.param)


@pytest.fixture(scope="module")
def installed(
    built: transform.BuildResult,
    dbt_settings: Settings,
    warehouse_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[City]:
    """A copy of the built mini city; before its first build with readers there were none."""
    home = Path(tmp_path_factory.mktemp("access"))
    with copied(warehouse_url, dbt_settings, home, "access_matrix", "matrix") as found:
        with found.owner() as conn:
            for region in (None, CITY, A, B):
                conn.execute(
                    "insert into quality.alert (dedupe_key, kind, severity, title, runbook,"
                    " region_code, opened_at, last_seen_at)"
                    " values (%s, 'x', 'warning', 'x', 'x', %s, now(), now())",
                    (str(region), region),
                )
            for region in (A, B):
                conn.execute(
                    "insert into quality.profile (batch_id, dataset, period, county_code, metric,"
                    " value) select batch_id, dataset, period, %s, 'row_count', 7 from ops.batch"
                    " where dataset = 'students' and period = '2025-2026'",
                    (region,),
                )
            conn.execute(
                "insert into quality.check_result (run_id, batch_id, dataset, period, rule_id,"
                " level, severity, dimension, status, checked_count, failed_count)"
                " select gen_random_uuid(), batch_id, dataset, period, 'STU-001', 'row',"
                " 'critical', 'validity', 'passed', 14, 0 from ops.batch"
                " where dataset = 'students' and period = '2025-2026'"
            )
        yield found


@pytest.fixture(scope="module")
def city(installed: City, phase: str) -> City:
    """The city after the build of this phase. Nothing but the build happens between phases."""
    if phase == "first build":
        with warehouse.connect(installed.url) as conn:
            roles.apply(conn, installed.settings)
    elif phase == "second build":
        outcome = transform.run_dbt(
            installed.settings, installed.url, ["run", "--select", *BUILT_AGAIN]
        )
        assert outcome.success, [node.message for node in outcome.nodes if node.failed]
    else:
        transform.build(installed.settings, full_refresh=True)
    return installed


def kind_of(login: str) -> str:
    return login if login in KINDS else "county"


def relations(conn: psycopg.Connection) -> list[tuple[int, str, str, str]]:
    """Every table and view that is not the server's own."""
    return conn.execute(
        "select c.oid::int, n.nspname, c.relname, c.relkind::text from pg_class c"
        " join pg_namespace n on n.oid = c.relnamespace"
        " where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_'"
        " and n.nspname <> 'information_schema' order by 2, 3"
    ).fetchall()


# --- reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("login", LOGINS)
def test_every_relation_is_read_by_whom_it_should(city: City, login: str) -> None:
    kind, wrong, seen = kind_of(login), [], Counter()
    with city.owner() as owner:
        found = relations(owner)
    with city.reader(login) as conn:
        for _, schema, name, _ in found:
            try:
                conn.execute(
                    sql.SQL("select * from {} limit 1").format(sql.Identifier(schema, name))
                )
                reads = True
            except psycopg.errors.InsufficientPrivilege:
                reads = False
            seen[reads] += 1
            expected = schema in READS[kind]
            if kind == "analyst" and schema == "ops":
                expected = name in OPS_WHOLE
            if reads != expected:
                wrong.append((schema, name, reads))
    assert wrong == []
    assert seen[True] >= 38
    assert seen[False] > 100


def test_an_analyst_reads_operations_without_names(city: City) -> None:
    with city.owner() as owner:
        columns = owner.execute(
            "select c.relname, a.attname from pg_attribute a join pg_class c on c.oid = attrelid"
            " where relnamespace = 'ops'::regnamespace and relkind = 'r' and attnum > 0"
            " and not attisdropped"
        ).fetchall()
    wrong = []
    with city.reader("analyst") as conn:
        for table, column in columns:
            try:
                conn.execute(
                    sql.SQL("select {} from {} limit 1").format(
                        sql.Identifier(column), sql.Identifier("ops", table)
                    )
                )
                reads = True
            except psycopg.errors.InsufficientPrivilege:
                reads = False
            expected = (table in OPS_READ and (table, column) not in OPS_HIDDEN) or (
                table == "reader"  # names of roles and codes of regions: policies ask it
            )
            if reads != expected:
                wrong.append((table, column, reads))
    assert wrong == []
    assert len(columns) > 60


def views_of_bi(conn: psycopg.Connection) -> list[str]:
    """Names of all views of bi."""
    rows = conn.execute(
        "select relname from pg_class where relnamespace = 'bi'::regnamespace order by 1"
    ).fetchall()
    return [row[0] for row in rows]


def test_the_table_of_views_is_whole(city: City) -> None:
    """A new view of bi has to be named here before it counts as read by counties."""
    with city.owner() as owner:
        english = {name for name in views_of_bi(owner) if name.isascii()}
    assert english == PLACE.keys() | OPEN


def rows(conn: psycopg.Connection, view: str, where: sql.Composable) -> Counter[tuple[str, ...]]:
    query = sql.SQL("select v::text from {} v {}").format(sql.Identifier("bi", view), where)
    return Counter(conn.execute(query).fetchall())


@pytest.mark.parametrize("login", LOGINS)
def test_readers_see_the_rows_they_should_and_no_other(city: City, login: str) -> None:
    """Each view as its reader sees it is what the owner sees, filtered by hand."""
    shown, hidden = Counter(), Counter()
    with city.owner() as owner, city.reader(login) as conn:
        owner.execute("set search_path = bi")
        for view in sorted(PLACE.keys() | OPEN):
            where = sql.SQL("")
            if kind_of(login) == "county" and view in PLACE:
                where = sql.SQL("where {} in ({}, {})").format(
                    sql.SQL(PLACE[view]), login, CITY
                )  # fmt: skip
            everything = rows(owner, view, sql.SQL(""))
            expected = rows(owner, view, where)
            assert rows(conn, view, sql.SQL("")) == expected, view
            shown[view], hidden[view] = expected.total(), (everything - expected).total()
    assert shown["indicator_progress"] > 100
    if kind_of(login) == "county":
        assert hidden["indicator_progress"] > 20
        assert hidden["school"] > 0


@pytest.mark.parametrize("login", ["bi", A, B])
def test_chinese_twins_show_the_same_rows(city: City, login: str) -> None:
    """The same rows in the same columns read the same as text."""
    with city.owner() as owner:
        every = views_of_bi(owner)
    english = [name for name in every if name.isascii()]
    chinese = [name for name in every if not name.isascii()]
    assert len(english) == len(chinese)
    with city.reader(login) as conn:
        found = [
            Counter(frozenset(rows(conn, view, sql.SQL("")).items()) for view in views)
            for views in (english, chinese)
        ]
    assert found[0] == found[1]


# --- writing -------------------------------------------------------------------------------------

WRITES = [
    "insert into {table} default values",
    "insert into {table} overriding system value select * from {table} where false",
    "update {table} set {column} = {column} where false",
    "delete from {table} where false",
    "truncate {table}",
    "alter table {table} add column x int",
    "alter {word} {table} owner to current_user",
    "alter table {table} disable row level security",
    "create policy mine on {table} using (true)",
    "comment on {word} {table} is 'x'",
    "grant insert on {table} to public",
    "create index on {table} ({column})",
    "create rule mine as on insert to {table} do instead nothing",
    "drop {word} {table}",
    "lock {table} in access exclusive mode",
]
NOT_FOR_VIEWS = ("truncate", "alter table", "create index", "create policy")


@pytest.mark.parametrize("login", [*KINDS, A])
def test_nobody_changes_anything(city: City, login: str) -> None:
    """Each kind of writing on each relation is refused by rights, not by read-only."""
    with city.owner() as owner:
        found = relations(owner)
        columns = dict(
            owner.execute(
                "select distinct on (attrelid) attrelid::int, attname from pg_attribute"
                " where attnum > 0 and not attisdropped order by attrelid, attnum desc"
            ).fetchall()
        )
    done, tried = [], 0
    with city.reader(login) as conn:
        for oid, schema, name, relkind in found:
            if "__b" in name:  # a batch of a dataset: one rule for all of them, tried on the whole
                continue
            is_view = relkind == "v"
            for write in WRITES:
                if is_view and write.startswith(NOT_FOR_VIEWS):
                    continue
                statement = sql.SQL(write).format(
                    table=sql.Identifier(schema, name),
                    column=sql.Identifier(columns[oid]),
                    word=sql.SQL("view" if is_view else "table"),
                )
                tried += 1
                try:
                    with conn.transaction(force_rollback=True):
                        conn.execute(statement)
                        # Granting what one may not grant is a warning, and nothing is granted.
                        given = conn.execute(
                            "select has_table_privilege('public', %s::oid, 'insert')", (oid,)
                        ).fetchone()
                        if not write.startswith("grant") or given == (True,):
                            done.append((schema, name, write))
                except psycopg.errors.InsufficientPrivilege:
                    continue
                except (
                    psycopg.errors.ObjectNotInPrerequisiteState,
                    psycopg.errors.FeatureNotSupported,
                ):  # a view that takes no rows from anybody
                    assert is_view and write.startswith(("insert", "update", "delete"))
    assert done == []
    assert tried > 1500


CREATES = [
    "create table {where}.mine (x int)",
    "create view {where}.mine as select 1 as x",
    "create materialized view {where}.mine as select 1 as x",
    "create sequence {where}.mine",
    "create type {where}.mine as enum ('x')",
    "create function {where}.mine() returns int language sql as 'select 1'",
    "create operator {where}.=== (function = pg_catalog.texteq, leftarg = text, rightarg = text)",
    "alter schema {where} owner to current_user",
    "comment on schema {where} is 'x'",
    "drop schema {where} cascade",
]


@pytest.mark.parametrize("login", [*KINDS, A])
def test_nobody_creates_anything(city: City, login: str) -> None:
    """No schema takes a table, a view or a function; nothing is temporary, nothing is installed."""
    with city.owner() as owner:
        schemas = [
            row[0]
            for row in owner.execute(
                "select nspname from pg_namespace where nspname !~ '^pg_t'"
            ).fetchall()
        ]
    assert {"bi", "marts", "public", "pg_catalog"} <= set(schemas)
    done = []
    with city.reader(login) as conn:
        for schema in schemas:
            for create in CREATES:
                try:
                    conn.execute(sql.SQL(create).format(where=sql.Identifier(schema)))
                    done.append((schema, create))
                except REFUSED:
                    pass
        for statement in (
            "create temporary table mine (x int)",
            "create temporary view mine as select 1 as x",
            "select 1 as x into temporary mine",
            "create schema mine",
            "create extension dblink",
            "create extension file_fdw",
            "create role mine",
            "create database mine",
            "create language plperl",
            "create publication mine for all tables",
            "create foreign data wrapper mine",
            "create server mine foreign data wrapper mine",
            "create event trigger mine on ddl_command_end execute function ops.refuse_change()",
            "create cast (text as int) with function pg_catalog.length(text)",
        ):
            try:
                conn.execute(statement)
                done.append(("", statement))
            except (*REFUSED, psycopg.errors.UndefinedObject, psycopg.errors.FeatureNotSupported):
                pass
    assert done == []


# --- going around --------------------------------------------------------------------------------

FORBIDDEN = [
    # becoming somebody else
    "set role matrix_county_450421",
    "set role matrix_of_450421",
    "set role matrix_bi",
    "set role matrix_county_450403",
    "set role eduplan",
    "set session authorization eduplan",
    "set session authorization matrix_of_450421",
    "grant matrix_bi to matrix_of_450403",
    "grant matrix_county_450421 to matrix_of_450403",
    "alter role matrix_of_450403 bypassrls",
    "alter role matrix_of_450403 superuser",
    "alter role matrix_of_450421 password 'x'",
    "alter role matrix_county_450403 set row_security = off",
    "reassign owned by eduplan to matrix_of_450403",
    "drop owned by matrix_of_450421",
    # policies that would hide rows are an error when they are switched off
    "set row_security = off;; select * from bi.school",
    "set row_security = off;; select * from bi.indicator_value",
    # what is beneath the views
    "select * from marts.ind_value",
    "select * from marts.qa_late_register",
    "select * from intermediate.int_indicator__values",
    "select * from raw.students",
    "select * from quality.quarantined_row",
    "select * from quality.alert",
    "select * from ops.batch",
    "select * from ref.target",
    "select * from edu.pseudonym_key",
    "set search_path = raw;; select * from raw.students",
    "select 'marts.ind_value'::regclass",
    "select 'raw.students'::regclass",
    "select to_regclass('raw.students')",
    "table marts.dim_school",
    "copy marts.ind_value to stdout",
    "copy (select * from marts.ind_value) to stdout",
    "select query_to_xml('select * from marts.ind_value', true, true, '')",
    "select table_to_xml('marts.ind_value', true, true, '')",
    "select schema_to_xml('marts', true, true, '')",
    "declare c cursor with hold for select * from marts.ind_value",
    "prepare p as select * from marts.ind_value;; execute p",
    "explain analyze select * from marts.ind_value",
    "explain (verbose) select * from raw.students",
    "do $$ begin perform * from marts.ind_value; end $$",
    "with x as (select * from marts.ind_value) select count(*) from x",
    "merge into bi.report_coverage using bi.region on true when matched then delete",
    # the server's files, programs and other servers
    "select pg_read_file('postgresql.conf')",
    "select pg_read_binary_file('/etc/passwd')",
    "select pg_ls_dir('.')",
    "select pg_stat_file('postgresql.conf')",
    "copy (select 1) to '/tmp/x'",
    "copy (select 1) to program 'true'",
    "copy bi.school to program 'true'",
    "select lo_import('/etc/passwd')",
    "select lo_export(1, '/tmp/x')",
    "select dblink('', 'select 1')",
    "select * from dblink('dbname=postgres', 'select 1') as t(x int)",
    "load 'x'",
    "select pg_reload_conf()",
    "select pg_rotate_logfile()",
    "select pg_switch_wal()",
    "alter system set log_statement = 'all'",
    "checkpoint",
    "set log_statement = 'none'",
    "set session_replication_role = replica",
    "set session_preload_libraries = 'x'",
    # writing without a table
    "select lo_create(0)",
    "select lo_creat(-1)",
    "select lo_from_bytea(0, 'x')",
    "select pg_logical_emit_message(false, 'x', 'x')",
    "select pg_advisory_lock(4504002)",
    "select pg_try_advisory_lock(4504001)",
    "select pg_advisory_xact_lock_shared(4504002)",
    "select nextval('ops.batch_batch_id_seq')",
    "select setval('ops.batch_batch_id_seq', 1)",
    "select currval('ops.batch_batch_id_seq')",
    "select last_value from ops.batch_batch_id_seq",
    # functions that are the owner's
    "select edu.pseudonym('x')",
    "select ops.grant_beneath('bi.school'::regclass)",
    "select edu.sees_everything()",
    # other people's sessions
    "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'eduplan'",
    "vacuum raw.students",
    "analyze marts.ind_value",
    "refresh materialized view marts.x",
    "select pg_stat_reset()",
]


def test_ways_around_are_refused(city: City) -> None:
    """Each is tried by a county reader; what is refused says so, or the thing has no name there."""
    passed = []
    with city.owner() as owner, city.reader(A) as conn:
        # Somebody whose session could be ended.
        owner.execute("select 1")
        for attack in FORBIDDEN:
            try:
                for statement in attack.split(";; "):
                    found = conn.execute(statement)
                rows_found = found.fetchall() if found.description else []
                if any(value is not None and value is not False
                       for row in rows_found for value in row):  # fmt: skip
                    passed.append((attack, rows_found[:3]))
                elif not found.description:
                    passed.append((attack, "done"))
            except (
                *REFUSED,
                psycopg.errors.UndefinedFunction,
                psycopg.errors.UndefinedTable,
                psycopg.errors.InvalidSchemaName,
                psycopg.errors.ActiveSqlTransaction,
                psycopg.errors.WrongObjectType,
                psycopg.errors.ObjectNotInPrerequisiteState,  # a view that takes no rows
            ):
                pass
            conn.execute("reset all; set default_transaction_read_only = off")
    assert passed == []


LEAKS = [
    # a value of a foreign row in an error, before the policy is asked
    "select * from bi.school where 1 / (case when county_code = '450421' then 0 else 1 end) = 1",
    "select * from bi.school where case when county_code = '450421'"
    " then school_name::int > 0 else true end",
    "select * from bi.indicator_value where value / (case when region_code = '450421'"
    " then 0 else 1 end) is not null",
    "select * from bi.late_register where 1 / (case when county_code = '450421'"
    " then 0 else 1 end) = 1",
    "select * from bi.late_register where case when county_code = '450421'"
    " then unit_code::date > now() else true end",
    "select * from bi.quality_pass_rate where 1 / (case when region_code = '450421'"
    " then 0 else 1 end) = 1",
    "select * from bi.report_coverage where 1 / (case when county_code = '450421'"
    " then 0 else 1 end) = 1",
    "select * from bi.alert where case when region_code = '450421' then title::int > 0"
    " else true end",
    "select max(case when county_code = '450421' then school_name::int end) from bi.school",
    "select * from bi.task where 1 / (case when owner_region_code = '450421'"
    " then 0 else 1 end) = 1",
]


@pytest.mark.parametrize("leak", LEAKS)
def test_nothing_leaks_through_errors(city: City, leak: str) -> None:
    """A condition of the reader never meets a row of another county; as the owner it does."""
    with city.owner() as owner:
        owner.execute("set search_path = bi")
        with pytest.raises(
            (
                psycopg.errors.DivisionByZero,
                psycopg.errors.InvalidTextRepresentation,
                psycopg.errors.InvalidDatetimeFormat,
                psycopg.errors.DatetimeFieldOverflow,
            )
        ):
            owner.execute(leak)
    with city.reader(A) as conn:
        conn.execute("set enable_hashjoin = off")
        conn.execute(leak)
        conn.execute("set enable_hashjoin = on; set enable_nestloop = off")
        conn.execute(leak)


def test_counting_and_planning_tell_nothing_of_others(city: City) -> None:
    """Aggregates, cursors and the figures of EXPLAIN ANALYZE are of visible rows."""
    with city.reader(A) as conn:
        for view, place in PLACE.items():
            foreign = conn.execute(
                sql.SQL("select count(*) from {} where {} = {}").format(
                    sql.Identifier("bi", view), sql.SQL(place), B
                )
            ).fetchone()
            assert foreign == (0,), view
        with conn.transaction():
            conn.execute("declare c scroll cursor for select county_code from bi.school")
            found = conn.execute("fetch all from c").fetchall()
            assert {row[0] for row in found} <= {A, CITY}
        plan = conn.execute(
            "explain (analyze, format json, timing off) select * from bi.school"
            " where county_code = '450421'"
        ).fetchone()
        assert plan is not None
        assert plan[0][0]["Plan"]["Actual Rows"] == 0


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A node of a plan and all below it."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


@pytest.mark.parametrize("view", ["indicator_value", "school_measure", "late_register"])
def test_a_policy_is_asked_once_for_a_query(city: City, view: str) -> None:
    """Both functions are in plans made before the scan: run once, whatever the number of rows."""
    with city.reader(A) as conn:
        conn.execute("set max_parallel_workers_per_gather = 0")
        row = conn.execute(
            sql.SQL("explain (analyze, timing off, verbose, format json) select * from {}").format(
                sql.Identifier("bi", view)
            )
        ).fetchone()
    assert row is not None
    asked = [
        node
        for node in nodes(row[0][0]["Plan"])
        if any("visible_counties" in text for text in node.get("Output", ()))
        and node.get("Parent Relationship") == "InitPlan"
    ]
    assert asked
    assert {node["Actual Loops"] for node in asked} <= {0, 1}
    filters = [node.get("Filter", "") for node in nodes(row[0][0]["Plan"])]
    assert any("county_code = ANY" in text or "InitPlan" in text for text in filters)
    assert not any("visible_counties" in text for text in filters)


def test_statistics_show_no_value(city: City) -> None:
    """The planner's samples of a table with a policy are shown to nobody but its owner."""
    with city.reader(A) as conn:
        shown = conn.execute(
            "select distinct schemaname, tablename from pg_stats where schemaname not in"
            " ('pg_catalog', 'information_schema')"
        ).fetchall()
        assert not {name for _, name in shown} & {
            "ind_value", "ind_progress", "dim_school", "fct_school_measure", "fct_task", "students",
        }  # fmt: skip
        for table in CATALOGUE_SECRETS:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(sql.SQL("table {}").format(sql.Identifier("pg_catalog", table)))
        hidden = conn.execute(
            "select count(*) from pg_stat_activity where usename <> current_user"
            " and query not in ('', '<insufficient privilege>')"
        ).fetchone()
        assert hidden == (0,)
        definitions = conn.execute(
            "select count(*) from information_schema.views where view_definition is not null"
            " and table_schema <> 'information_schema' and table_schema <> 'pg_catalog'"
        ).fetchone()
        assert definitions == (0,)


def test_limits_can_be_switched_off_and_nothing_is_gained(city: City) -> None:
    """Every session starts read only and with a time limit: seat belts; the guard is the rights."""
    with psycopg.connect(city.dsn(A), autocommit=True) as conn:
        values = {
            name: conn.execute(f"show {name}").fetchone()
            for name in (
                "default_transaction_read_only", "statement_timeout", "search_path",
                "lock_timeout", "idle_in_transaction_session_timeout",
            )
        }  # fmt: skip
        assert values == {
            "default_transaction_read_only": ("on",),
            "statement_timeout": ("30s",),
            "search_path": ("bi",),
            "lock_timeout": ("5s",),
            "idle_in_transaction_session_timeout": ("1min",),
        }
        conn.execute("set statement_timeout = '50ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            conn.execute("select pg_sleep(1)")
        conn.execute("set statement_timeout = 0")
        conn.execute("set default_transaction_read_only = off")
        assert conn.execute("select count(*) > 0 from 学校").fetchone() == (True,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("delete from marts.dim_school")


def test_other_databases_are_not_theirs(city: City) -> None:
    """A reader cannot enter the server's own databases, and owns nothing in those he can enter."""
    place = city.dsn("bi").rsplit("/", 1)[0]
    for closed in ("postgres", "template1"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(f"{place}/{closed}")
    with psycopg.connect(f"{place}/mini_city", autocommit=True) as conn:
        conn.execute("set default_transaction_read_only = off")
        for statement in ("create table public.x ()", "select * from marts.ind_value"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(statement)


def test_the_check_finds_nothing(city: City) -> None:
    """But that the tests' other databases let everybody in, which is no fault of this one."""
    with warehouse.connect(city.url) as conn:
        found = check.check(conn, city.settings)
    assert [breach for breach in found if breach.is_grave] == []
    assert [breach.what for breach in found if "mini_city" in breach.what]


def test_applying_again_changes_nothing(city: City) -> None:
    with warehouse.connect(city.url) as conn:
        done = roles.apply(conn, city.settings)
    assert str(done) == "nothing to change"
