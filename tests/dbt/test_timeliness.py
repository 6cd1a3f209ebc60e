"""The late register and its coverage, on deliveries made by hand around the mini city's schools.

County A = 450403 (schools P1 P2 P3 T1 J1), B = 450421 (N1), M = 450401 (C1 V1).
"""

import datetime as dt
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner

from eduplan import transform, warehouse
from eduplan.commands.late import app
from eduplan.contract import load_contracts
from eduplan.quality import windows
from eduplan.settings import Settings
from tests.dbt.mini_city import C1, J1, N1, P1, P2, P3, T1, V1, Y24, Y25, A, B, M, publish, register

CITY = "450400"
MODELS = ("+qa_report_coverage", "qa_late_register", "submission_window", "school_calendar")


class Post:
    """Deliveries as landing and audit leave them: batches, their files, and who is in them."""

    def __init__(self, conn: psycopg.Connection) -> None:
        self.conn = conn

    def send(
        self,
        dataset: str,
        period: str,
        *files: tuple[str | None, list[str]],
        status: str = "published",
        landed: str = "2026-08-30",
        file_status: str = "landed",
        path: str = "x",
        scope: str = "school",
    ) -> None:
        """One batch; each file is (day it was saved, units with rows)."""
        (batch_id,) = self.conn.execute(
            "insert into ops.batch (dataset, period, status, content_hash, contract_version,"
            " contract_hash, scope, landed_at) values (%s, %s, %s, %s, '1', '', %s, %s)"
            " returning batch_id",
            (dataset, period, status, uuid.uuid4().hex, scope, f"{landed} 12:00+08"),
        ).fetchone() or (0,)
        for number, (saved, units) in enumerate(files, 1):
            self.conn.execute(
                "insert into ops.batch_file (batch_id, file_no, path, sha256, size_bytes, format,"
                " status, modified_at) values (%s, %s, %s, '', 0, 'csv', %s, %s)",
                (batch_id, number, path, file_status, saved and f"{saved} 23:30+08"),
            )
            for unit in units:
                self.conn.execute(
                    "insert into quality.receipt values (%s, %s, %s, 1)", (batch_id, number, unit)
                )


@pytest.fixture(scope="module")
def installation(
    pg_server: str, pg_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """A warehouse with the register of two years, a few deliveries, and the timeliness models."""
    name = "timeliness"
    with psycopg.connect(pg_server, autocommit=True) as conn:
        conn.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(pg_template)
            )
        )
    url = pg_server.rsplit("/", 1)[0] + f"/{name}"
    home = Path(tmp_path_factory.mktemp("timeliness"))
    settings = Settings(home=home, source_root=home, today=None, database_url=url)
    with warehouse.connect(url) as conn:
        publish(conn, {("school_register", Y24): register(), ("school_register", Y25): register()})
        post = Post(conn)
        # Of A's five schools the third came on the 25th, of B's one on the last day.
        post.send("students", Y25, ("2025-09-18", [P1, P2]), ("2025-09-25", [P3]),
                  ("2025-09-20", [N1]), scope="period")  # fmt: skip
        post.send("jj3112", Y25, ("2025-09-10", [P1]))
        post.send("jj3112", Y25, (None, [P2]), landed="2025-09-22")  # no file time
        post.send("jj3112", Y25, ("2025-09-19", []), file_status="rejected",
                  path=f"教基/{Y25}/{P3}_P3小学.xlsx")  # fmt: skip
        post.send("jj3112", Y25, ("2025-09-11", [T1]), status="rejected")  # by a person
        post.send("jj3112", Y25, ("2025-09-12", [N1]), status="superseded")
        post.send("jj3112", Y25, ("2025-09-28", [N1]))  # sent again: the first one counts
        post.send("jj3112", Y24, ("2024-09-15", [A]))  # a sum of county A
        post.send("finance_county", "2025", ("2026-04-20", []), ("2026-05-02", []), scope="period")
        post.send("star_schools", "all", ("2025-09-10", []), scope="full")
        conn.execute(
            "insert into ops.pull (dataset, kind, status, is_full, spool, started_at)"
            " values ('training_records', 'api', 'unchanged', false, '', '2026-08-04 05:00+08')"
        )
        windows.record(conn, load_contracts(settings.expectations_dir))
        conn.commit()
    outcome = transform.run_dbt(
        settings, url, ["build", "--exclude-resource-type", "unit_test", "--select", *MODELS]
    )
    assert outcome.success, [node for node in outcome.nodes if node.failed]
    yield settings
    with psycopg.connect(pg_server, autocommit=True) as conn:
        conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def conn(installation: Settings) -> Iterator[psycopg.Connection]:
    """Connection whose changes are rolled back."""
    with warehouse.connect(str(installation.database_url)) as found:
        yield found
        found.rollback()


def read(
    conn: psycopg.Connection, day: str, dataset: str, period: str | None = None
) -> dict[Any, tuple[Any, ...]]:
    """Unit (period, when none is asked for) -> level, received, status, days late, on ``day``."""
    conn.execute("select set_config('eduplan.today', %s, true)", (day,))
    return {
        key: (level, received.isoformat() if received else None, status, days)
        for key, level, received, status, days in conn.execute(
            "select case when %(p)s::text is null then period else unit_code end, unit_level,"
            " received_on, status, days_late from marts.qa_late_register"
            " where dataset = %(d)s and (%(p)s::text is null or period = %(p)s)",
            {"d": dataset, "p": period},
        )
    }


def test_a_county_has_sent_when_half_of_its_schools_are_in(conn: psycopg.Connection) -> None:
    assert read(conn, "2025-09-30", "students", Y25) == {
        A: ("county", "2025-09-25", "late", 5),
        B: ("county", "2025-09-20", "on_time", 0),
        M: ("county", None, "missing", 10),
    }


def test_the_register_moves_with_the_day_and_not_with_the_build(conn: psycopg.Connection) -> None:
    """On a day nothing is known of what came later; the due day itself is in time."""
    assert read(conn, "2025-09-20", "students", Y25) == {
        A: ("county", None, "not_due", 0),
        B: ("county", "2025-09-20", "on_time", 0),
        M: ("county", None, "not_due", 0),
    }
    assert read(conn, "2025-09-21", "students", Y25)[A] == ("county", None, "missing", 1)
    assert read(conn, "2026-09-20", "students", Y25)[M] == ("county", None, "missing", 365)


def test_schools_report_their_forms_themselves(conn: psycopg.Connection) -> None:
    assert read(conn, "2025-10-01", "jj3112", Y25) == {
        P1: ("school", "2025-09-10", "on_time", 0),
        P2: ("school", "2025-09-22", "late", 2),
        P3: ("school", None, "missing", 11),
        T1: ("school", None, "missing", 11),
        N1: ("school", "2025-09-12", "on_time", 0),
    }
    refused = conn.execute(
        "select unit_code, refused_on from marts.qa_late_register where dataset = 'jj3112'"
        " and refused_on is not null"
    ).fetchall()
    assert refused == [(P3, dt.date(2025, 9, 19))]


def test_a_sum_of_the_county_stands_for_its_schools(conn: psycopg.Connection) -> None:
    assert read(conn, "2025-10-01", "jj3112", Y24) == {
        A: ("county", "2024-09-15", "on_time", 0),
        N1: ("school", None, "missing", 376),
    }


def test_an_office_has_sent_when_its_last_file_is_in(conn: psycopg.Connection) -> None:
    assert read(conn, "2026-08-31", "finance_county", "2025") == {
        CITY: ("office", "2026-05-02", "late", 2)
    }


def test_lists_and_platforms_are_confirmed_in_turns(conn: psycopg.Connection) -> None:
    """Nobody is chased for turns before the first delivery."""
    assert read(conn, "2026-08-31", "star_schools") == {
        "2025": ("office", "2025-09-10", "on_time", 0),
        "2026": ("office", None, "not_due", 0),
    }
    assert read(conn, "2026-09-16", "star_schools")["2026"] == ("office", None, "missing", 1)
    assert read(conn, "2026-08-31", "training_records") == {
        "2026-07": ("office", "2026-08-04", "on_time", 0),
        "2026-08": ("office", None, "not_due", 0),
    }


def test_what_never_came_owes_its_latest_turn_only(conn: psycopg.Connection) -> None:
    assert read(conn, "2025-12-01", "disability") == {
        Y25: ("office", None, "missing", 16),
        "2026-2027": ("office", None, "not_due", 0),
    }


def test_the_next_year_is_expected_of_the_schools_of_the_latest_register(
    conn: psycopg.Connection,
) -> None:
    """On 21 September all are late who sent nothing, though the new register is not there yet."""
    found = read(conn, "2026-09-21", "jj3112", "2026-2027")
    assert found == {school: ("school", None, "missing", 1) for school in (P1, P2, P3, T1, N1)}
    assert {row[2] for row in read(conn, "2026-08-31", "jj3112", "2026-2027").values()} == {
        "not_due"
    }


def test_an_exception_moves_or_lifts_a_deadline(conn: psycopg.Connection) -> None:
    conn.execute(
        "insert into ref.submission_window (dataset, period, due_on, note) values"
        " ('jj3112', %s, '2025-09-30', '台风'), ('students', '*', null, '停报')",
        (Y25,),
    )
    assert read(conn, "2025-10-01", "jj3112", Y25)[P2] == ("school", "2025-09-22", "on_time", 0)
    assert read(conn, "2025-10-01", "jj3112", Y25)[P3] == ("school", None, "missing", 1)
    assert read(conn, "2025-10-01", "students") == {}


def test_coverage_by_county_and_for_the_city(conn: psycopg.Connection) -> None:
    conn.execute("select set_config('eduplan.today', '2025-09-30', true)")
    found = {
        row[0]: row[1:]
        for row in conn.execute(
            "select county_code, units_expected, units_on_time, units_late, units_missing,"
            " units_pct, schools_expected, schools_reported, schools_pct"
            " from marts.qa_report_coverage where dataset = 'students' and period = %s",
            (Y25,),
        )
    }
    assert {key: tuple(map(float, row)) for key, row in found.items()} == {
        A: (1, 0, 1, 0, 100, 5, 3, 60),
        B: (1, 1, 0, 0, 100, 1, 1, 100),
        M: (1, 0, 0, 1, 0, 2, 0, 0),
        CITY: (3, 1, 1, 1, 66.7, 8, 4, 50),
    }
    office = conn.execute(
        "select county_code, units_expected, units_missing from marts.qa_report_coverage"
        " where dataset = 'disability' and period = %s",
        (Y24,),
    ).fetchall()
    assert office == [(CITY, 1, 1)]
    assert {C1, V1, J1}.isdisjoint(read(conn, "2025-09-30", "jj3112", Y25))


def test_the_command_lists_who_is_late(
    installation: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDUPLAN_DATABASE_URL", str(installation.database_url))
    monkeypatch.setenv("EDUPLAN_HOME", str(installation.home))

    def run(*arguments: str) -> Any:
        result = CliRunner().invoke(app, [*arguments, "--format", "json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    listed = run("list", "--on", "2025-09-30", "--dataset", "students", "--period", Y25)
    assert [(row["unit_name"], row["status"], row["days_late"]) for row in listed] == [
        ("市直", "missing", 10),
        ("万秀区", "late", 5),
    ]
    assert run("list", "--on", "2025-09-30", "--county", "苍梧县", "--dataset", "students") == []
    (one,) = run("list", "--on", "2025-10-01", "--unit", P3, "--period", Y25, "--dataset", "jj3112")
    assert (one["refused_on"], one["received_on"]) == ("2025-09-19", None)
    covered = run("coverage", "--on", "2025-09-30", "--dataset", "students")
    assert {row["county"]: row["schools_pct"] for row in covered} == {
        "梧州市": 50, "万秀区": 60, "苍梧县": 100, "市直": 0,
    }  # fmt: skip
    wrong = CliRunner().invoke(app, ["list", "--status", "soon"])
    assert wrong.exit_code == 2


def test_the_register_survives_a_build_of_what_it_rests_on(
    installation: Settings, conn: psycopg.Connection
) -> None:
    """Tables are replaced at every build, and views on them fall with them: these rest on none."""
    before = read(conn, "2025-09-30", "jj3112", Y25)
    conn.rollback()
    outcome = transform.run_dbt(
        installation, str(installation.database_url), ["run", "--select", "+int_report__roll"]
    )
    assert outcome.success
    assert read(conn, "2025-09-30", "jj3112", Y25) == before
    assert before[P3] == ("school", None, "missing", 10)
    doubled = conn.execute(
        "select 1 from intermediate.int_report__roll group by school_code, period_year, stage"
        " having count(*) > 1"
    ).fetchall()
    assert doubled == []


def test_an_installation_that_stands_still_reads_everything_on_its_day(
    installation: Settings,
) -> None:
    """The demo's platforms are read when it runs, but seen on the day of its city."""
    settings = installation.model_copy(update={"today": dt.date(2026, 7, 3)})
    url = str(settings.database_url)
    outcome = transform.run_dbt(
        settings, url, ["run", "--select", "int_report__register+", "--exclude", "path:models/bi"]
    )
    assert outcome.success
    with psycopg.connect(url) as conn:
        rows = conn.execute(
            "select distinct as_of, received_on from marts.qa_late_register"
            " where dataset = 'training_records' and received_on is not null"
        ).fetchall()
    assert rows == [(dt.date(2026, 7, 3), dt.date(2026, 7, 3))]
