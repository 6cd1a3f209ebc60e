"""``eduplan demo`` on real Airflow, at a small scale: the whole way, twice, and nothing is left.

One run is shared by all tests of this file; it takes minutes.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest

from eduplan import supervisor
from eduplan.airflow.rest import AirflowApi
from eduplan.contract import load_contracts
from eduplan.postgres import EmbeddedPostgres, free_port
from eduplan.settings import Settings
from tests.e2e import personal_data
from tests.e2e.ledger import compare

pytestmark = pytest.mark.timeout(1500)

PROJECT = Path(__file__).resolve().parents[2]
EDUPLAN = [sys.executable, "-m", "eduplan.cli"]
SCALE = "0.02"
HEADLINES = 87


@dataclass
class Demo:
    """A finished first demo whose Airflow still runs."""

    settings: Settings
    environment: dict[str, str]
    output: str

    def call(self, *words: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*EDUPLAN, *words], env=self.environment, capture_output=True, text=True,
            timeout=timeout, cwd=PROJECT,
        )  # fmt: skip

    def query(self, statement: str) -> list[tuple[object, ...]]:
        url = EmbeddedPostgres(self.settings.home).url()
        with psycopg.connect(url) as conn:
            return conn.execute(statement).fetchall()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    home = tmp_path_factory.mktemp("demo") / "home"
    settings = Settings(home=home, airflow_port=free_port())
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("EDUPLAN_", "AIRFLOW"))},
        "EDUPLAN_HOME": str(home),
        "EDUPLAN_AIRFLOW_PORT": str(settings.airflow_port),
        "EDUPLAN_DEMO_SCALE": SCALE,
        "EDUPLAN_PG_DURABLE": "false",
        "COLUMNS": "200",
    }
    run = Demo(settings, environment, "")
    try:
        done = run.call("demo", timeout=1200)
        run.output = done.stdout + done.stderr
        assert done.returncode == 0, run.output[-6000:]
        yield run
    finally:
        supervisor.down(settings)
        EmbeddedPostgres(settings.home).remove()
        assert supervisor.marked_processes(home) == []


def test_readers_have_their_urls(demo: Demo) -> None:
    """The BI reader sees every row, the county reader those of its county and of the city."""
    assert "read-only URLs" in demo.output
    bureau = demo.call("access", "dsn", "bi_reader")
    county = demo.call("access", "dsn", "county_reader")
    regions = "select array_agg(distinct region_code order by region_code) from indicator_value"
    with psycopg.connect(bureau.stdout.strip()) as conn:
        (every,) = conn.execute(regions).fetchone() or ([],)
    with psycopg.connect(county.stdout.strip()) as conn:
        (seen,) = conn.execute(regions).fetchone() or ([],)
    assert demo.query("select array_agg(distinct region_code order by region_code)"
                      " from bi.indicator_value") == [(every,)]  # fmt: skip
    assert len(every) == 9
    assert seen == ["450400", "450422"]
    checked = demo.call("access", "check")
    assert checked.returncode == 0, checked.stdout


def test_every_dag_ended_well_in_airflow_itself(demo: Demo) -> None:
    api = AirflowApi(supervisor.AirflowServer(demo.settings).login())
    try:
        assert api.import_errors() == []
        states = {
            dag_id: [run["state"] for run in api.latest_runs(dag_id)] for dag_id in api.dag_ids()
        }
        builds = api.latest_runs("build_warehouse")
        published = api.call("GET", "assets/events", params={"limit": 100})["asset_events"]
    finally:
        api.close()
    contracts = load_contracts(demo.settings.expectations_dir)
    own = {"build_warehouse", "quality_watch", "review_batch"}
    assert set(states) == own | {f"ingest_{name}" for name in contracts}
    # One delivery is planted to be held: its request waits for a person, and nothing else does.
    assert demo.query("select dataset, period, status from quality.review") == [
        ("teachers", "2026-2027", "waiting")
    ]
    assert states.pop("review_batch") == ["running"]
    # `settle` fails for a delivery that was refused or held: the city plants such deliveries.
    waiting = {f"ingest_{row[0]}" for row in demo.query(
        "select distinct dataset from ops.batch where status in ('held', 'failed')"
    )}  # fmt: skip
    for dag_id, found in states.items():
        assert found == (["failed"] if dag_id in waiting else ["success"]), dag_id
    assert [run["run_type"] for run in builds] == ["asset_triggered"]
    extras = [e["extra"] for e in published if e["uri"].startswith("x-edu://published/")]
    assert extras and all({"batch_ids", "rows", "quarantined"} <= set(e) for e in extras)


def test_nothing_listens_to_other_hosts(demo: Demo) -> None:
    listening = {
        connection.laddr
        for process in supervisor.marked_processes(demo.settings.home)
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert demo.settings.airflow_port in {address.port for address in listening}
    assert [a for a in listening if a.ip not in ("127.0.0.1", "::1")] == []


def test_everything_with_files_was_published(demo: Demo) -> None:
    published = {
        r[0] for r in demo.query("select dataset from ops.batch where status = 'published'")
    }
    contracts = load_contracts(demo.settings.expectations_dir)
    assert published == {name for name in contracts if not name.startswith("nbs_")}
    # A batch is either published or waits for a person; none was left half way.
    half = demo.query("select count(*) from ops.batch where status in ('landed', 'audited')")
    assert half == [(0,)]
    assert demo.query(
        "select count(*) from ops.batch where status = 'published'"
        " and row_count <> accepted_count + quarantined_count"
    ) == [(0,)]


def test_every_indicator_has_a_value_or_says_why_not(demo: Demo) -> None:
    rows = demo.query(
        "select distinct on (indicator_code) indicator_code, status, no_data_reason"
        " from marts.ind_progress where region_level = 'city'"
        " order by indicator_code, value is null, period_year desc"
    )
    assert len(rows) == HEADLINES
    assert [row for row in rows if row[1] in ("no_data", "suppressed") and not row[2]] == []
    # All sources are there; what is left without a value is too small to be shown.
    assert [row for row in rows if row[1] == "no_data"] == []


def test_what_was_caught_is_what_was_planted(demo: Demo) -> None:
    url = EmbeddedPostgres(demo.settings.home).url()
    with psycopg.connect(url) as conn:
        comparison = compare(conn, demo.settings.source_root / "_ledger.csv")
    assert comparison.exact, str(comparison)


def test_the_scorecard_is_there(demo: Demo) -> None:
    page = demo.settings.report_dir / "scorecard.html"
    assert page.read_text().startswith("<!")
    for words in (
        "监测记分卡",
        str(page),
        "Airflow",
        "make down",
        "login",
        "查出的问题",
        "open alerts",
    ):
        assert words in demo.output, words
    assert (demo.settings.site_dir / "en/index.html").is_file()
    password = supervisor.AirflowServer(demo.settings).login().password
    assert password not in demo.output


def test_the_scorecard_page_in_airflow_needs_a_login(demo: Demo) -> None:
    import httpx

    login = supervisor.AirflowServer(demo.settings).login()
    path = f"{login.url}/eduplan/scorecard"
    assert httpx.get(path, trust_env=False).status_code == 401
    token = httpx.post(
        f"{login.url}/auth/token",
        json={"username": login.user, "password": login.password}, trust_env=False,
    ).json()["access_token"]  # fmt: skip
    page = httpx.get(
        path, headers={"Authorization": f"Bearer {token}"}, trust_env=False, follow_redirects=True
    )
    assert page.status_code == 200
    assert "监测记分卡" in page.text


def test_nobody_is_found_in_anything_the_demo_leaves_behind(demo: Demo) -> None:
    """Logs, pages, Data Docs, workbooks, dbt's files, every table of both databases."""
    server = EmbeddedPostgres(demo.settings.home)
    with psycopg.connect(server.url()) as conn:
        people = personal_data.people_of(conn, load_contracts(demo.settings.expectations_dir))
    assert len(people.names) > 1000
    assert len(people.numbers) > 10_000
    # The search itself works: a name in the middle of a sentence, a number in a line of a log.
    name, number = min(people.names), min(people.numbers)
    assert people.in_text(f"请核对{name}的信息") >= {name}
    assert people.in_text(f"row 7: {number}, refused") == {number}
    places = [
        *personal_data.texts_of_home(demo.settings.home),
        *personal_data.tables_of(server.url()),
        *personal_data.tables_of(server.url("airflow")),
    ]
    looked_at = {place for place, _ in places}
    assert {
        "report/scorecard.html",
        "site/index.html",
        "report/quality.html",
        "quality.alert",
    } <= looked_at
    assert any(place.startswith("outbox/") for place in looked_at)
    assert {"public.xcom", "public.rendered_task_instance_fields"} <= looked_at
    assert personal_data.found_in(people, places) == {}


def test_the_command_line_reads_the_same(demo: Demo) -> None:
    shown = demo.call("indicators", "--format", "json")
    assert shown.returncode == 0, shown.stderr
    assert len({row["indicator_code"] for row in json.loads(shown.stdout)}) == HEADLINES
    explained = demo.call("explain", "CMP-01P", "--format", "json")
    assert explained.returncode == 0, explained.stderr
    found = json.loads(explained.stdout)
    assert found["contributors"] and found["batches"] and found["revisions"] == []
    # The connections that Airflow uses are there for the command line too.
    pulled = demo.call("ingest", "course_catalog", "--format", "json")
    assert pulled.returncode == 0, pulled.stderr
    assert json.loads(pulled.stdout) == []  # nothing changed at the platform
    status = demo.call("status", "--format", "json")
    assert status.returncode == 0, status.stdout
    rows = demo.call("quarantine", "list", "--format", "json", "--limit", "5")
    assert len(json.loads(rows.stdout)) == 5


def test_a_second_demo_loads_no_batch_and_then_nothing_is_left(demo: Demo) -> None:
    """Runs last: it stops the installation."""
    batches = (
        "select batch_id, status, row_count from ops.batch where status <> 'failed' order by 1"
    )
    # What was told, asked and handed over: events, messages, requests, workbooks.
    told = (
        "select (select count(*) from quality.alert_event),"
        " (select count(*) from quality.alert_delivery),"
        " (select count(*) from quality.review), (select count(*) from quality.defect_report)"
    )
    before, told_before = demo.query(batches), demo.query(told)
    log = demo.settings.logs_dir / "alerts.log"
    messages = log.read_text("utf-8")
    assert messages
    again = demo.call("demo", timeout=600)
    assert again.returncode == 0, again.stdout[-4000:] + again.stderr[-2000:]
    assert "Airflow runs already" in again.stdout
    assert demo.query(batches) == before
    assert demo.query(told) == told_before
    assert log.read_text("utf-8") == messages

    down = demo.call("down")
    assert "nothing is left" in down.stdout
    assert supervisor.marked_processes(demo.settings.home) == []
    assert not EmbeddedPostgres(demo.settings.home).running()
    assert supervisor.port_owner(demo.settings.airflow_port) is None
    assert demo.call("status").returncode == 1
