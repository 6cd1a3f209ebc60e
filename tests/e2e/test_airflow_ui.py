"""What a person does in real Airflow: opens the plugin's pages, answers for a held batch.

Needs Chromium; one Airflow, with a user of every role, is shared by the tests of this file, which
follow one another: the batch is held, looked at in every page, then released.
"""

import contextlib
import http.client
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import psycopg
import pytest

from eduplan import supervisor, transform, warehouse
from eduplan.airflow.rest import AirflowApi
from eduplan.contract import load_contracts
from eduplan.postgres import EmbeddedPostgres, free_port
from eduplan.quality import windows
from eduplan.settings import Settings
from tests.browser import Browser, require_chromium, until
from tests.openlineage_receiver import Receiver, check, names

pytestmark = pytest.mark.timeout(600)

PROJECT = Path(__file__).resolve().parents[2]
HELD_PERIOD = "2026-2027"
USERS = {"admin": "admin", "otto": "op", "ulla": "user", "vera": "viewer", "nemo": ""}
"""Users and their roles; nemo has none."""
READERS = {"admin", "otto", "ulla", "vera"}
DECIDERS = {"admin", "otto", "ulla"}


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
    tokens: dict[str, str] = field(default_factory=dict)
    """Token of each user, from a login with the password."""

    def get(self, path: str, user: str | None = None) -> httpx.Response:
        """Open a page of the plugin as ``user``; None: without a login."""
        headers = {"Authorization": f"Bearer {self.tokens[user]}"} if user else {}
        url = f"{self.api.login.url}/eduplan/{path}"
        return httpx.get(url, headers=headers, trust_env=False, timeout=60)

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
        airflow_users=",".join(f"{u}:{r}" for u, r in USERS.items() if u != "admin"),
        openlineage_url=receiver.url,
    )  # fmt: skip
    supervisor.up(settings)
    api = AirflowApi(supervisor.AirflowServer(settings).login())
    running = Running(settings, api, secrets, sexes, receiver)
    passwords = json.loads((settings.home / "airflow" / "login.json").read_text())
    assert set(passwords) == set(USERS)
    for user, password in passwords.items():
        answer = httpx.post(
            f"{api.login.url}/auth/token",
            json={"username": user, "password": password},
            trust_env=False,
        )
        running.tokens[user] = answer.json()["access_token"]
    return running


def stop(running: Running) -> None:
    running.api.close()
    supervisor.down(running.settings)
    EmbeddedPostgres(running.settings.home).remove()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    require_chromium()
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


@pytest.fixture(scope="module")
def held(running: Running) -> int:
    """The held batch, once there are a late register, alerts and files to look at."""
    batch = hold(running)
    settings, home = running.settings, running.settings.home
    url = EmbeddedPostgres(home).url()
    with psycopg.connect(url) as conn:
        windows.record(conn, load_contracts(settings.expectations_dir))
    outcome = transform.run_dbt(
        settings, url, ["build", "--exclude-resource-types", "test", "unit_test",
                        "--select", "+qa_report_coverage", "qa_late_register"],
    )  # fmt: skip
    assert outcome.success
    with psycopg.connect(url) as conn:
        conn.execute(
            "insert into quality.review_move select review_id, d, 'TCH-01', '450400', '梧州市',"
            " '2026-2027', 99.5, 98.25, 'on_track', 'at_risk' from quality.review,"
            " unnest(array['release', 'release_clean']) as d"
        )
    for command in (["alerts", "update"], ["alerts", "ack", "1", "--by", "李老师"]):
        subprocess.run(
            [sys.executable, "-m", "eduplan.cli", *command], check=True, capture_output=True,
            env=environment(running), cwd=PROJECT, timeout=60,
        )  # fmt: skip
    for path in ("site/index.html", "site/en/index.html", "report/quality.html", "report/a.csv",
                 "data_docs/index.html", "dbt_docs/index.html"):  # fmt: skip
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(f"<!doctype html><title>t</title><h1>{path}</h1>")
    (home / "report" / "secret.json").write_text("{}")
    (home / "report" / "out.html").symlink_to(home / "airflow" / "login.json")
    (home / "outside.html").write_text("not for browsers")
    (home / "report" / "link").symlink_to(home)
    return batch


def environment(running: Running) -> dict[str, str]:
    """What the processes of this installation run with."""
    server = supervisor.AirflowServer(running.settings)
    url = EmbeddedPostgres(running.settings.home).url()
    return server.environment(url, server.metadata_url())


# --- who sees which page -------------------------------------------------------------------------

DOCS = "data_docs/teachers/b{batch}.html"
ROUTES: dict[str, tuple[str, set[str]]] = {
    "/review": ("review", READERS),
    "/late": ("late", READERS),
    "/alerts": ("alerts", READERS),
    "/dataset/{dataset}": ("dataset/teachers", READERS),
    "/dag/{dag_id}": ("dag/ingest_teachers", READERS),
    "/dag/{dag_id}/run": ("dag/review_batch/run?run_id=review_1", READERS),
    "/scorecard": ("scorecard", READERS),
    "/site/{path:path}": ("site/en/", READERS),
    "/report/{path:path}": ("report/quality.html", READERS),
    "/data_docs/index.html": ("data_docs/index.html", READERS),
    "/data_docs/{dataset}/{page}": (DOCS, READERS),
    "/dbt_docs/{path:path}": ("dbt_docs/index.html", READERS),
    "/docs/{path:path}": ("docs/runbook/batch_held.md", READERS),
}
"""Every route of the plugin, an address of it, and who may open it."""


@pytest.fixture(scope="module")
def routes(running: Running) -> list[str]:
    """The routes as the plugin has them: kind, methods and path."""
    listed = subprocess.run(
        [sys.executable, "-c",
         "import json; from eduplan.airflow.pages import app;"
         "print(json.dumps([[type(r).__name__, sorted(getattr(r, 'methods', [])), r.path]"
         " for r in app.routes]))"],
        env=environment(running), capture_output=True, check=True, text=True, cwd=PROJECT,
    )  # fmt: skip
    return json.loads(listed.stdout.splitlines()[-1])


def test_every_route_is_refused_without_a_login_or_a_role(
    running: Running, held: int, routes: list[list[Any]]
) -> None:
    # A mount would not ask who comes; a route that is not in the table would not be tried.
    assert {(kind, *methods) for kind, methods, _ in routes} == {("APIRoute", "GET")}
    assert {path for *_, path in routes} == set(ROUTES)
    for address, allowed in ROUTES.values():
        path = address.format(batch=held)
        assert running.get(path).status_code == 401, path
        forged = httpx.get(
            f"{running.api.login.url}/eduplan/{path}", trust_env=False,
            cookies={"_token": running.tokens["admin"][:-4] + "AAAA"},
        )  # fmt: skip
        assert forged.status_code in (401, 403), path
        for user in USERS:
            answer = running.get(path, user)
            ok = (200, 307) if user in allowed else (403,)
            assert answer.status_code in ok, (path, user)
            if user not in allowed:
                assert "没有权限" in answer.text


def test_what_each_role_sees_of_a_held_batch(running: Running, held: int) -> None:
    """Counts for all; masked rows for those whom Airflow would let answer."""
    for path in ("review", "dag/review_batch/run?run_id=review_1"):
        for user in READERS:
            text = running.get(path, user).text
            words = re.sub(r"<[^>]+>|\s+", " ", text)
            assert f"第 {held} 批" in words
            assert "共 71 行" in re.sub(r"\s+", " ", words)
            rules = re.findall(r"<tr><td class=\"day\">(TEA-\d+)</td><td class=\"n\">(\d+)", text)
            assert rules[:2] == [("TEA-004", "3"), ("TEA-007", "2")]
            assert "TCH-01" in text
            assert "99.50" in text and "98.25" in text
            assert "dags/review_batch/runs/review_1/required_actions" in text
            assert f"eduplan review show {held}" in text
            assert ("4＊＊＊" in text) == (user in DECIDERS), (path, user)
            assert [secret for secret in running.secrets if secret in text] == []
    answers = {
        user: httpx.patch(
            f"{running.api.login.url}/api/v2/dags/review_batch/dagRuns/review_1/taskInstances"
            "/decide/-1/hitlDetails",
            json={"chosen_options": ["no such answer"]},
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
        ).status_code
        for user, token in running.tokens.items()
    }
    assert answers == {u: 400 if u in DECIDERS else 403 for u in USERS}


def test_no_page_names_a_person(running: Running, held: int) -> None:
    for address, _ in ROUTES.values():
        text = running.get(address.format(batch=held), "admin").text
        assert [secret for secret in running.secrets if secret in text] == [], address


def test_pages_say_what_the_warehouse_has(running: Running, held: int) -> None:
    (missing,) = running.query(
        "select count(*), min(due_on) from marts.qa_late_register where status = 'missing'"
    )
    assert missing[0] > 10
    late = running.get("late?status=missing", "vera").text
    assert f"{min(missing[0], 300):,} 项" in late
    assert late.count(">未报</span>") == min(missing[0], 300)
    assert ">晚报</span>" not in late
    county = running.get("late?status=missing&county=450422", "vera").text
    ((of_county,),) = running.query(
        "select count(*) from marts.qa_late_register"
        " where status = 'missing' and county_code = '450422'"
    )
    assert county.count(">未报</span>") == of_county < missing[0]
    assert running.get("late?status=x", "vera").status_code == 422

    alerts = running.get("alerts", "vera").text
    ((open_alerts,),) = running.query(
        "select count(*) from quality.alert where status in ('open', 'acknowledged')"
    )
    assert f"全部 {open_alerts}" in alerts
    assert f"第 {held} 批等待审核" in alerts
    assert alerts.count("李老师") == 1
    assert 'href="docs/runbook/batch_held.md"' in alerts
    runbook = running.get("docs/runbook/batch_held.md", "vera").text
    assert "批次等待审核" in runbook
    assert "<h2>What to do</h2>" in runbook

    dataset = running.get("dataset/teachers", "vera").text
    assert "教师名册" in dataset
    assert f'href="../data_docs/teachers/b{held}.html"' in dataset
    assert running.get(f"data_docs/teachers/b{held}.html", "vera").status_code == 200
    assert running.get("dataset/nobody", "vera").status_code == 404


def test_the_page_of_a_run_names_its_batches(running: Running, held: int) -> None:
    """By hand: the first run took in four school years; the second found them there."""
    runs = running.query(
        "select run_id, array_agg(batch_id order by batch_id) from ops.batch_run"
        " where dag_id = 'ingest_teachers' group by run_id order by min(handled_at)"
    )
    assert [len(batches) for _, batches in runs] == [4, 4]
    for run_id, batches in runs:
        text = running.get(f"dag/ingest_teachers/run?run_id={quote(run_id, safe='')}", "vera").text
        rows = re.findall(r"<tr><td>(\d+)</td>.*?class=\"batch (\w+)\"", text)
        assert sorted((int(number), status) for number, status in rows) == [
            (b, "held" if b == held else "published") for b in batches
        ]
        assert "待审 1" in text
    # Another DAG's name does not show them, nor does a run that never was.
    for path in ("dag/ingest_students/run?run_id=" + quote(runs[0][0], safe=""),
                 "dag/ingest_teachers/run?run_id=never"):  # fmt: skip
        assert "Data Docs" not in running.get(path, "vera").text


# --- what a request cannot do --------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "report/../airflow/login.json", "report/%2e%2e/airflow/login.json",
        "report/..%2fairflow%2flogin.json", "report/%252e%252e/outside.html",
        "report/../outside.html", "report/..%2foutside.html", "report//etc/passwd",
        "report/%2fetc%2fpasswd", "report/out.html", "report/link/outside.html",
        "report/secret.json", "report/quality.html%00.css", "report/..%5coutside.html",
        "report/" + "a" * 5000 + ".html", "report/" + "a/" * 300 + "b.html", "report/",
        "report/.hidden.html", "data_docs/../outside.html", "data_docs/%2e%2e/outside.html",
        "site/../report/quality.html", "dbt_docs/..%2freport/quality.html",
        "docs/../README.md", "docs/..%2fREADME.md", "docs/images/scorecard.png",
    ],
)  # fmt: skip
def test_nothing_outside_a_folder_is_served(running: Running, held: int, path: str) -> None:
    # As a raw request: a client library would tidy the path.
    with contextlib.closing(
        http.client.HTTPConnection("127.0.0.1", running.settings.airflow_port, timeout=30)
    ) as server:
        server.request(
            "GET",
            f"/eduplan/{path}",
            headers={"Authorization": f"Bearer {running.tokens['admin']}"},
        )
        answer = server.getresponse()
        body = answer.read()
    assert answer.status in (404, 422), path
    assert b"not for browsers" not in body
    assert running.api.login.password.encode() not in body


def test_every_answer_tells_the_browser_to_run_and_keep_nothing(
    running: Running, held: int
) -> None:
    addresses = [address.format(batch=held) for address, _ in ROUTES.values()]
    for path, user in [(a, "vera") for a in addresses] + [
        ("review", None), ("review", "nemo"), ("nowhere", "vera"), ("late?status=x", "vera"),
    ]:  # fmt: skip
        headers = running.get(path, user).headers
        assert headers["cache-control"] == "no-store", path
        assert headers["x-content-type-options"] == "nosniff", path
        policy = dict(
            part.strip().partition(" ")[::2]
            for part in headers["content-security-policy"].split(";")
        )
        assert policy["default-src"] == "'none'", path
        assert policy["frame-ancestors"] == "'self'", path
        if "unsafe-inline" in policy["script-src"]:
            # Scripts of others run, but as nobody: no cookie, no request.
            assert path.startswith("dbt_docs/")
            assert policy["sandbox"] == "allow-scripts"
            assert "connect-src" not in policy
    assert running.get("report/a.csv", "vera").headers["content-type"].startswith("text/csv")


def test_a_warehouse_that_does_not_answer_is_told_without_a_traceback(
    running: Running, held: int
) -> None:
    server = psycopg.connect(EmbeddedPostgres(running.settings.home).url("postgres"))
    server.autocommit = True
    name = EmbeddedPostgres(running.settings.home).url().rpartition("/")[2]
    try:
        server.execute(f'alter database "{name}" allow_connections false')
        for path in ("review", "late", "alerts", "dataset/teachers"):
            answer = running.get(path, "vera")
            assert answer.status_code == 503
            assert "连不上数据仓库" in answer.text
            assert "Traceback" not in answer.text and "psycopg" not in answer.text
        assert running.get("report/quality.html", "vera").status_code == 200
    finally:
        server.execute(f'alter database "{name}" allow_connections true')
        server.close()
    assert running.get("review", "vera").status_code == 200


def test_a_page_can_only_read(running: Running, held: int) -> None:
    from datetime import date

    with warehouse.reading(EmbeddedPostgres(running.settings.home).url(), date(2026, 1, 1), 1) as c:
        assert c.execute("select current_setting('eduplan.today')").fetchone() == ("2026-01-01",)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            c.execute("delete from ops.batch_run")
        c.rollback()
        with pytest.raises(psycopg.errors.QueryCanceled):
            c.execute("select pg_sleep(5)")


# --- in the browser ------------------------------------------------------------------------------


def test_a_person_opens_the_pages_from_airflows_navigation(
    running: Running, held: int, tmp_path: Path
) -> None:
    url = running.api.login.url
    with Browser(tmp_path / "profile") as browser:
        browser.open(url)
        until(lambda: browser.run("document.querySelectorAll('input').length >= 2"), "the login")
        for place, text in enumerate(("admin", running.api.login.password)):
            browser.write(f"document.querySelectorAll('input')[{place}]", text)
        browser.complaints.clear()  # Airflow's own 401 before the login
        until(lambda: browser.click("button", "Sign in"), "the button")
        until(lambda: "Plugins" in browser.text(), "the navigation")
        until(lambda: browser.click("a, button", "记分卡"), "the scorecard's entry")
        until(lambda: "site/index.html" in browser.framed(), "the scorecard")
        for label, words in (
            ("待审批次 Review queue", "为什么暂缓"),
            ("报送登记 Late register", "晚报和未报"),
            ("告警 Alerts", f"第 {held} 批等待审核"),
            ("数据质量 Data quality", "report/quality.html"),
            ("检查结果 Data Docs", "data_docs/index.html"),
        ):
            assert browser.press("button", "Plugins")
            # Hovering opens the group, a click may close it again.
            until(
                lambda label=label: browser.press("[role=menuitem]", label)
                or (browser.press("[role=menuitem]", "eduplan 教育方案") and False),
                label,
            )  # fmt: skip
            until(lambda words=words: words in browser.framed(), label)
            browser.picture(tmp_path / f"{label.split()[0]}.png")

        # From the request in the queue to Airflow's own page, in the whole window.
        browser.open(f"{url}/plugin/review")
        until(lambda: "到 Airflow 作出决定" in browser.framed(), "the queue")
        browser.run("document.querySelector('iframe').contentDocument"
                    ".querySelector('a.shell').click()")  # fmt: skip
        until(
            lambda: browser.run("location.pathname")
            == "/dags/review_batch/runs/review_1/required_actions",
            "the request",
        )  # fmt: skip
        until(lambda: "批等待审核" in browser.text(), "the request")
        assert browser.run("parent === window")

        ((run_id,),) = running.query(
            "select run_id from ops.batch_run where dag_id = 'ingest_teachers'"
            " order by handled_at limit 1"
        )
        run = f"{url}/dags/ingest_teachers/runs/{quote(run_id, safe='')}"
        for address, tab, words in (
            (f"{url}/dags/ingest_teachers", "数据集 Dataset", "契约"),
            (f"{url}/dags/ingest_teachers/tasks/publish", "数据集 Dataset", "契约"),
            (run, "批次 Batches", "待审 1"),
            (f"{run}/tasks/publish", "批次 Batches", "待审 1"),
        ):
            browser.open(address)
            # By script: the row of tabs moves while the page loads.
            until(lambda tab=tab: browser.click("a", tab), f"the tab {tab} of {address}")
            until(lambda words=words: words in browser.framed(), f"{tab} of {address}")
            browser.picture(tmp_path / f"tab-{tab.split()[0]}.png")
        assert browser.complaints == []


def answer(running: Running, browser: Browser, batch: int, folder: Path) -> str:
    """Open the request in the browser, read it, write a reason, press 发布; return what it said."""
    url = f"{running.api.login.url}/required_actions"
    browser.call("Network.setCookie", name="_token", value=running.tokens["admin"], url=url)
    browser.open(url)
    title = f"教师名册 {HELD_PERIOD}：第 {batch} 批等待审核"
    until(lambda: browser.click("a", title), "the list of required actions")
    until(lambda: browser.run("document.querySelector('#element_why') !== null"), "the form")
    read = browser.text()
    assert not browser.click("button", "发布全部可放行的行"), "no answer without a reason"
    browser.write("document.querySelector('#element_why')", "县里已核实")
    browser.picture(folder / "request.png")
    until(lambda: browser.click("button", "发布全部可放行的行"), "the button", 20)
    return read


def test_a_person_releases_a_held_batch_in_airflow(
    running: Running, held: int, tmp_path: Path
) -> None:
    batch = held
    with Browser(tmp_path / "profile") as browser:
        read = answer(running, browser, batch, tmp_path)
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


def test_after_the_release_the_pages_say_so(running: Running, held: int) -> None:
    assert "没有批次等待审核" in running.get("review", "vera").text
    asked = running.get("dag/review_batch/run?run_id=review_1", "admin").text
    assert "admin 决定：发布全部可放行的行" in asked
    assert "4＊＊＊" not in asked
    # The run that published it names it too.
    published = running.get("dag/ingest_teachers/run?run_id=review_1", "vera").text
    assert re.findall(r"<tr><td>(\d+)</td>", published) == [str(held)]


# --- what OpenLineage is told of all that ---------------------------------------------------------


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
    shutil.rmtree(running.settings.site_dir)  # the stand-in: only a site is replaced by a site
    running.api.pause("build_warehouse", False)
    run = running.api.trigger("build_warehouse")
    states = until(lambda: running.ended("build_warehouse", run), "the build", 300)
    assert states == {"build": "success", "scorecard": "success", "site": "success"}
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
