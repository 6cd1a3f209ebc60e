"""A held batch in real Airflow: a person reads the request in a browser and answers it.

Needs Chromium; one Airflow is shared by the tests of this file.
"""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from websockets.sync.client import connect

from eduplan import supervisor
from eduplan.airflow.rest import AirflowApi
from eduplan.postgres import EmbeddedPostgres, free_port
from eduplan.settings import Settings
from tests.openlineage_receiver import Receiver, check, names

pytestmark = pytest.mark.timeout(600)

PROJECT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("EDUPLAN_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
HELD_PERIOD = "2026-2027"


def until(found: Callable[[], Any], what: str, seconds: float = 120) -> Any:
    """Wait until ``found`` returns something true; return it."""
    deadline = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.5)
    return result


class Browser:
    """Headless Chromium, driven by its debugging protocol."""

    def __init__(self, profile: Path) -> None:
        port = free_port()
        assert CHROMIUM is not None
        self.process = subprocess.Popen(
            [
                CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--lang=en",
                f"--remote-debugging-port={port}", f"--user-data-dir={profile}",
                "--window-size=1280,1400", "about:blank",
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.number = 0

        def target() -> str | None:
            try:
                pages = httpx.get(f"http://127.0.0.1:{port}/json", trust_env=False).json()
            except httpx.TransportError:
                return None
            return next((p["webSocketDebuggerUrl"] for p in pages if p["type"] == "page"), None)

        self.open_things = contextlib.ExitStack()
        self.socket = self.open_things.enter_context(
            connect(until(target, "Chromium", 60), max_size=None, proxy=None)
        )

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": params}))
        while True:
            answer = json.loads(self.socket.recv(timeout=60))
            if answer.get("id") == self.number:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result

    def run(self, script: str) -> Any:
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True)["result"]
        return result.get("value")

    def open(self, url: str, token: str) -> None:
        self.call("Network.setCookie", name="_token", value=token, url=url)
        self.call("Page.navigate", url=url)

    def text(self) -> str:
        return str(self.run("document.body ? document.body.innerText : ''"))

    def click(self, selector: str, label: str) -> bool:
        """Click the first visible element of ``selector`` that reads ``label``."""
        return bool(self.run(
            f"(() => {{ const e = [...document.querySelectorAll({json.dumps(selector)})]"
            f".find(e => e.innerText.trim().startsWith({json.dumps(label)}) && !e.disabled);"
            " if (e) e.click(); return !!e })()"
        ))  # fmt: skip

    def picture(self, path: Path) -> None:
        data = self.call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))

    def close(self) -> None:
        self.open_things.close()
        self.process.terminate()
        self.process.wait(timeout=20)


@dataclass
class Running:
    """Airflow with the teachers of a small city."""

    settings: Settings
    api: AirflowApi
    secrets: list[str]
    """Names and ID numbers of the planted rows."""
    sexes: list[str]
    """What the three rows with a wrong sex say."""
    receiver: Receiver
    """What Airflow and dbt tell OpenLineage."""

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(EmbeddedPostgres(self.settings.home).url()) as conn:
            return conn.execute(statement).fetchall()

    def ended(self, dag_id: str, run_id: str) -> dict[str, str | None] | None:
        """The tasks and their states once the run is over."""
        run = self.api.call("GET", f"dags/{dag_id}/dagRuns/{run_id}")
        if run is None or run["state"] not in ("success", "failed"):
            return None
        return {t.task_id: t.state for t in self.api.tasks(dag_id, run_id)}


def spoil(workbook: Path) -> tuple[list[str], list[str]]:
    """Give rows 3 to 5 the other sex, row 7 the person of row 6; return their secrets and sexes."""
    import python_calamine
    import xlsxwriter

    sheet = python_calamine.CalamineWorkbook.from_path(workbook).get_sheet_by_index(0)
    rows = sheet.to_python()
    head, data = rows[1], rows[2:]
    name, sex, number = (head.index(label) for label in ("★姓名", "★性别", "★身份证件号"))
    for row in data[:3]:
        row[sex] = "男" if row[sex] == "女" else "女"
    data[4][1:6] = data[3][1:6]
    with xlsxwriter.Workbook(workbook) as book:
        made = book.add_worksheet(sheet.name)
        for place, row in enumerate(rows):
            made.write_row(place, 0, row)
    secrets = [row[place] for row in data[:5] for place in (name, number)]
    return [s for s in secrets if len(s) > 1], [row[sex] for row in data[:3]]


def start(folder: Path, receiver: Receiver) -> Running:
    """Start Airflow on a city of 20 schools or so, of which it sees the teachers alone."""
    city, source = folder / "city", folder / "source"
    subprocess.run(
        [sys.executable, "-m", "demo.city", "--out", str(city), "--scale", "0.02", "--hold"],
        check=True, cwd=PROJECT, capture_output=True, timeout=120,
    )  # fmt: skip
    shutil.copytree(city / "教师", source / "教师")
    (held,) = (source / "教师" / HELD_PERIOD).glob("*_教师.xlsx")
    secrets, sexes = spoil(held)
    settings = Settings(
        home=folder / "home", source_root=source, airflow_port=free_port(), pg_durable=False,
        openlineage_url=receiver.url,
    )  # fmt: skip
    supervisor.up(settings)
    api = AirflowApi(supervisor.AirflowServer(settings).login())
    return Running(settings, api, secrets, sexes, receiver)


def stop(running: Running) -> None:
    running.api.close()
    supervisor.down(running.settings)
    EmbeddedPostgres(running.settings.home).remove()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    if CHROMIUM is None:
        pytest.skip("no Chromium: set EDUPLAN_CHROMIUM to its path")
    with Receiver() as receiver:
        made = start(tmp_path_factory.mktemp("review"), receiver)
        try:
            yield made
        finally:
            stop(made)


def hold(running: Running) -> int:
    """Ingest the teachers; return the batch that is held, once Airflow asks about it."""
    until(lambda: {"ingest_teachers", "review_batch"} <= running.api.dag_ids(), "DAGs")
    for dag_id in ("ingest_teachers", "review_batch"):
        running.api.pause(dag_id, False)
    run = running.api.trigger("ingest_teachers")
    states = until(lambda: running.ended("ingest_teachers", run), "the ingest")
    assert states["review"] == "success"
    assert sorted(t for t, state in states.items() if state == "failed") == ["settle", "unsettled"]
    ((batch, review, period),) = running.query(
        "select batch_id, review_id, period from quality.review where status = 'waiting'"
    )
    assert period == HELD_PERIOD

    def asked() -> bool:
        tasks = running.api.tasks("review_batch", f"review_{review}")
        return ("decide", "awaiting_input") in {(t.task_id, t.state) for t in tasks}

    until(asked, "the request")
    # A run that finds nothing but the held batch fails too, and asks nobody a second time.
    run = running.api.trigger("ingest_teachers")
    states = until(lambda: running.ended("ingest_teachers", run), "the second ingest")
    assert (states["publish"], states["settle"], states["waiting"], states["review"]) == (
        "skipped", "failed", "success", "skipped",
    )  # fmt: skip
    return int(batch)


def answer(running: Running, browser: Browser, batch: int, folder: Path) -> str:
    """Open the request in the browser, read it, write a reason, press 发布; return what it said."""
    login = running.api.login
    token = httpx.post(
        f"{login.url}/auth/token",
        json={"username": login.user, "password": login.password},
        trust_env=False,
    ).json()["access_token"]
    browser.open(f"{login.url}/required_actions", token)
    title = f"教师名册 {HELD_PERIOD}：第 {batch} 批等待审核"
    until(lambda: browser.click("a", title), "the list of required actions")
    until(lambda: browser.run("document.querySelector('#element_why') !== null"), "the form")
    read = browser.text()
    assert not browser.click("button", "发布全部可放行的行"), "no answer without a reason"
    browser.run("document.querySelector('#element_why').focus()")
    browser.call("Input.insertText", text="县里已核实")
    browser.picture(folder / "request.png")
    until(lambda: browser.click("button", "发布全部可放行的行"), "the button", 20)
    return read


def test_a_person_releases_a_held_batch_in_airflow(running: Running, tmp_path: Path) -> None:
    batch = hold(running)
    browser = Browser(tmp_path / "profile")
    try:
        read = answer(running, browser, batch, tmp_path)
    finally:
        browser.close()
    assert "共 71 行，其中 5 行有严重问题" in read
    assert "严重错误 5 行，占全部 71 行的 7.04%，超过允许的 5.00%" in read
    rows = [line.split("\t") for line in read.splitlines() if line.startswith("TEA-")]
    assert [row[:5] for row in rows if len(row) == 6] == [
        ["TEA-004", "3", "4.23%", "严重", "是"],
        ["TEA-007", "2", "2.82%", "严重", "否"],
    ]
    examples = [row[2:] for row in rows if len(row) == 4]
    assert examples == [
        [str(n), f"性别：{sex}；身份证件号：4＊＊＊；身份证件类型：居民身份证"]
        for n, sex in zip((3, 4, 5), running.sexes, strict=True)
    ] + [["6", "身份证件号：4＊＊＊"], ["7", "身份证件号：4＊＊＊"]]
    assert [secret for secret in running.secrets if secret in read] == []

    ((review,),) = running.query("select review_id from quality.review")
    run_id = f"review_{review}"
    asked = until(lambda: running.ended("review_batch", run_id), "the decision")
    assert set(asked.values()) == {"success"}
    published = until(lambda: running.ended("ingest_teachers", run_id), "publishing")
    assert published["publish"] == "success"
    assert running.query(
        "select status, decision, decided_by, decided_why, airflow_run_id from quality.review"
    ) == [("decided", "release", "admin", "县里已核实", run_id)]
    assert running.query(
        "select status, accepted_count, quarantined_count from ops.batch"
        f" where period = '{HELD_PERIOD}'"
    ) == [("published", 69, 2)]
    assert (
        running.query(
            "select rules[1], status, decided_by from quality.quarantined_row"
            f" where batch_id = {batch} order by row_no"
        )
        == [("TEA-004", "released", "admin")] * 3 + [("TEA-007", "open", None)] * 2
    )
    # Only the run that published woke the warehouse.
    events = running.api.call("GET", "assets/events", params={"limit": 100})["asset_events"]
    assert [e["extra"]["batch_ids"] for e in events if e["source_run_id"] == run_id] == [[batch]]


def test_a_replay_is_asked_for_in_airflow(running: Running) -> None:
    """After the release: judged again without its file, what a person let in stays in."""
    run = running.api.trigger(
        "ingest_teachers", {"replay": True, "period": HELD_PERIOD, "why": "规则改了"}
    )
    states = until(lambda: running.ended("ingest_teachers", run), "the replay")
    assert (states["publish"], states["settle"], states["review"]) == (
        "success", "success", "skipped",
    )  # fmt: skip
    assert running.query(
        "select status, replay_by, replay_why, accepted_count from ops.batch"
        f" where period = '{HELD_PERIOD}' order by batch_id"
    ) == [("superseded", None, None, 69), ("published", "admin", "规则改了", 69)]


def told(running: Running, job: str, kind: str = "COMPLETE") -> list[dict[str, Any]]:
    """Return the events of one kind of a job, oldest first."""
    return [
        event
        for event in running.receiver.events
        if event["job"]["name"] == job and event["eventType"] == kind
    ]


def test_openlineage_is_told_of_tasks_and_their_datasets(running: Running) -> None:
    """Runs after the tests above: their runs are what was told."""
    for event in running.receiver.events:
        check(event)
        assert event["job"]["namespace"] == "eduplan"
    # The first two runs were held, the third was released, the fourth a replay.
    until(lambda: len(told(running, "ingest_teachers.publish")) >= 2, "the events")
    assert told(running, "ingest_teachers.publish", "START")
    published = told(running, "ingest_teachers.publish")[-1]
    assert names(published["inputs"]) == {("x-edu://source", "teacher_records/teachers")}
    table, asset = published["outputs"]
    assert (asset["namespace"], asset["name"]) == ("x-edu", "published/teachers")
    assert table["namespace"].startswith("postgres://")
    assert table["name"] == "warehouse.raw.teachers"
    assert table["outputFacets"]["outputStatistics"]["rowCount"] == 69
    fields = {f["name"]: f["description"] for f in table["facets"]["schema"]["fields"]}
    assert fields["id_number"] == "身份证件号"
    (judged,) = told(running, "ingest_teachers.audit")[-1]["inputs"]
    verdicts = {
        a["assertion"]: (a["success"], a["severity"])
        for a in judged["inputFacets"]["dataQualityAssertions"]["assertions"]
    }
    assert verdicts["TEA-004"] == (False, "error")
    assert any(success for success, _ in verdicts.values())
    # The task hangs on the run of its DAG, and that is told too.
    parent = published["run"]["facets"]["parent"]
    assert parent["job"]["name"] == "ingest_teachers"
    runs = {e["run"]["runId"] for e in told(running, "ingest_teachers", "START")}
    assert parent["run"]["runId"] in runs
    assert told(running, "ingest_teachers.settle", "FAIL")


def test_openlineage_is_told_of_a_build_as_a_child_of_its_task(running: Running) -> None:
    running.api.pause("build_warehouse", False)
    run = running.api.trigger("build_warehouse")
    states = until(lambda: running.ended("build_warehouse", run), "the build", 300)
    assert states == {"build": "success", "scorecard": "success"}
    until(lambda: told(running, "build_warehouse.scorecard"), "the end of the build")
    task = told(running, "build_warehouse.build")[-1]
    build = told(running, "dbt-build")[-1]
    assert build["run"]["facets"]["parent"]["run"]["runId"] == task["run"]["runId"]
    (staff,) = told(running, "warehouse.intermediate.eduplan.int_measure__staff.build.run")[-1:]
    assert staff["run"]["facets"]["parent"]["run"]["runId"] == build["run"]["runId"]
    # The published table that Airflow's task wrote is what dbt's model reads: one name.
    (reader,) = told(running, "warehouse.staging.eduplan.stg_staff__teachers.build.run")[-1:]
    (written, _) = told(running, "ingest_teachers.publish")[-1]["outputs"]
    assert (written["namespace"], written["name"]) in names(reader["inputs"])
    (scorecard,) = told(running, "build_warehouse.scorecard")[-1:]
    assert names(scorecard["outputs"]) == {("x-edu", "built/warehouse")}


def test_openlineage_is_told_of_no_person(running: Running) -> None:
    """Runs last: no body holds a name or number of the planted rows, nor any of the city's."""
    from eduplan.contract import load_contracts
    from tests.e2e import personal_data

    bodies = "\n".join(running.receiver.bodies)
    assert [secret for secret in running.secrets if secret in bodies] == []
    with psycopg.connect(EmbeddedPostgres(running.settings.home).url()) as conn:
        people = personal_data.people_of(conn, load_contracts(running.settings.expectations_dir))
    assert len(people.names) > 50 and len(people.numbers) > 50
    assert people.in_text(bodies) == set()
    password = EmbeddedPostgres(running.settings.home).url().split("@")[0].rsplit(":", 1)[-1]
    assert password not in bodies
    assert running.api.login.password not in bodies
