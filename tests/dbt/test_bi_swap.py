"""Readers of schema bi during builds: good ones, failed ones and killed ones, on a mini city."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from eduplan import transform
from eduplan.errors import BuildError
from eduplan.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
NUMBERS = (
    "select count(*), sum(value) from bi.indicator_progress"
    " where plan_version = 'demo-2025-2027' and region_code = '450400'"
)
LEFT = (
    "select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = relnamespace"
    " where n.nspname = 'retired' or c.relname ~ '__dbt_(tmp|backup)'"
)


@dataclass
class City:
    """A built copy of the mini city and a project of its own to spoil."""

    conn: psycopg.Connection
    settings: Settings

    @property
    def views(self) -> list[str]:
        """Names of all views, quoted."""
        rows = self.conn.execute(
            "select oid::regclass::text from pg_class where relnamespace = 'bi'::regnamespace"
        ).fetchall()
        return [row[0] for row in rows]

    def one(self, query: str) -> tuple[object, ...]:
        """Return the only row of ``query``."""
        row = self.conn.execute(query).fetchone()
        assert row is not None
        return row


@pytest.fixture(scope="module")
def city(
    pg_server: str,
    warehouse_url: str,
    built: transform.BuildResult,
    dbt_settings: Settings,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[City]:
    """Copy database and project; both are thrown away."""
    project = tmp_path_factory.mktemp("project")
    shutil.copytree(PROJECT / "dbt_project", project / "dbt_project")
    (project / "expectations").symlink_to(PROJECT / "expectations")
    name = "bi_swap"
    with psycopg.connect(pg_server, autocommit=True) as conn:
        conn.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(warehouse_url.rsplit("/", 1)[1])
            )
        )
    url = f"{pg_server.rsplit('/', 1)[0]}/{name}"
    settings = Settings(
        home=tmp_path_factory.mktemp("home"),
        database_url=url,
        suppression_threshold=dbt_settings.suppression_threshold,
        project_dir=project,
    )
    with psycopg.connect(url, autocommit=True) as conn:
        yield City(conn, settings)
    with psycopg.connect(pg_server, autocommit=True) as conn:
        conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def _spoil(city: City, new: str) -> None:
    """Let `ind_progress` compute ``new`` as its value, in the project of the test."""
    model = "models/marts/ind_progress.sql"
    text = (PROJECT / "dbt_project" / model).read_text(encoding="utf-8")
    line = "judged.value::numeric(28, 10) as value,"
    assert text.count(line) == 1
    (city.settings.dbt_dir / model).write_text(
        text.replace(line, f"({new})::numeric(28, 10) as value,")
    )


def test_a_reader_meets_no_error_and_no_gap_while_all_is_rebuilt(city: City) -> None:
    """Every view, asked again and again during a full refresh, answers with its usual rows."""
    views = city.views
    usual = {view: city.one(f"select count(*) from {view}") for view in views}
    assert len(views) == 38 and usual["bi.indicator_progress"] > (0,)
    over = threading.Event()
    wrong: list[str] = []
    rounds = 0

    def poll() -> None:
        nonlocal rounds
        with psycopg.connect(city.settings.database_url, autocommit=True) as conn:
            while not over.is_set():
                for view in views:
                    try:
                        found = conn.execute(f"select count(*) from {view}").fetchone()
                    except psycopg.Error as error:
                        wrong.append(f"{view}: {error}")
                    else:
                        if found != usual[view]:
                            wrong.append(f"{view}: {found} instead of {usual[view]}")
                rounds += 1

    reader = threading.Thread(target=poll)
    reader.start()
    try:
        transform.build(city.settings, full_refresh=True)
    finally:
        over.set()
        reader.join()
    assert wrong == []
    assert rounds >= 5
    assert city.conn.execute(LEFT).fetchall() == []


def test_a_failed_test_of_a_mart_leaves_readers_on_the_old_numbers(city: City) -> None:
    """All views stay, also those the failed mart is not in; mended, they follow."""
    old = city.one(NUMBERS)
    views = sorted(
        city.conn.execute(
            "select oid, xmin::text from pg_class where oid = any(%s::regclass[])", (city.views,)
        ).fetchall()
    )
    _spoil(city, "judged.value + 1")
    refusal = city.settings.dbt_dir / "tests" / "assert_never.sql"
    refusal.write_text("select plan_version from {{ ref('ind_progress') }} limit 1\n")
    with pytest.raises(BuildError, match="assert_never"):
        transform.build(city.settings, select="dim_label ind_progress+")
    built = city.one(NUMBERS.replace("bi.indicator_progress", "marts.ind_progress"))
    assert built != old
    assert city.one(NUMBERS) == old
    after = sorted(
        city.conn.execute(
            "select oid, xmin::text from pg_class where oid = any(%s::regclass[])", (city.views,)
        ).fetchall()
    )
    assert after == views
    refusal.unlink()
    transform.build(city.settings, select="dim_label ind_progress+")
    assert city.one(NUMBERS) == built
    assert city.conn.execute(LEFT).fetchall() == []


def test_a_killed_build_leaves_readers_alone_and_the_next_one_cleans_up(city: City) -> None:
    """Killed once it has put a mart in place of the old one."""
    old = city.one(NUMBERS)
    _spoil(city, "judged.value + 2")
    process = subprocess.Popen(
        [sys.executable, "-m", "eduplan.cli", "build", "--select", "ind_progress+"],
        env={
            **os.environ,
            "EDUPLAN_HOME": str(city.settings.home),
            "EDUPLAN_PROJECT_DIR": str(city.settings.project_dir),
            "EDUPLAN_DATABASE_URL": str(city.settings.database_url),
            "EDUPLAN_SUPPRESSION_THRESHOLD": str(city.settings.suppression_threshold),
        },
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 120
        while city.one(
            "select count(*) from pg_class where relnamespace = 'retired'::regnamespace"
        ) == (0,):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert city.one(NUMBERS) == old
    transform.build(city.settings, select="ind_progress+")
    assert city.one(NUMBERS) == city.one(
        NUMBERS.replace("bi.indicator_progress", "marts.ind_progress")
    )
    assert city.one(NUMBERS) != old
    assert city.conn.execute(LEFT).fetchall() == []
