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


def start(folder: Path) -> Running:
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
        home=folder / "home", source_root=source, airflow_port=free_port(), pg_durable=False
    )
    supervisor.up(settings)
    api = AirflowApi(supervisor.AirflowServer(settings).login())
    return Running(settings, api, secrets, sexes)


def stop(running: Running) -> None:
    running.api.close()
    supervisor.down(running.settings)
    EmbeddedPostgres(running.settings.home).remove()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    if CHROMIUM is None:
        pytest.skip("no Chromium: set EDUPLAN_CHROMIUM to its path")
    made = start(tmp_path_factory.mktemp("review"))
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
