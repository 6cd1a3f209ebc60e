"""Real Superset on the mini city: every dashboard in Chromium, as administrator and as a county.

Needs Chromium. Superset's environment ``.venv-bi`` is made by the script that users have. One
Superset is shared by the tests of this file.
"""

import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from eduplan import supervisor
from eduplan.postgres import free_port
from eduplan.settings import Settings
from eduplan.superset.assets import load_assets
from eduplan.superset.install import bring_up
from eduplan.superset.rest import SupersetApi
from eduplan.superset.server import PART, SupersetServer
from eduplan.transform import BuildResult
from tests.browser import require_chromium
from tests.e2e.superset_browser import SupersetBrowser

pytestmark = pytest.mark.timeout(600)

PROJECT = Path(__file__).resolve().parents[2]
COUNTY, COUNTY_NAME, USER = "450403", "万秀区", "wanxiu"
OTHER = "450421"
CITY_NAME = "梧州市"
OTHER_NAMES = ("市直", "长洲区", "龙圩区", "苍梧县", "藤县", "蒙山县", "岑溪市")
SLUGS = ("scorecard", "counties", "indicator", "tasks", "quality")

# The newest period with a value in the city or a county decides; then what each region has there.
NEWEST = """
with newest as (
    select indicator_code,
        coalesce(max(period_year) filter (where value is not null), max(period_year)) as year
    from marts.ind_value
    where breakdown = 'all' and region_level in ('city', 'county')
    group by 1
), latest as (
    select p.* from marts.ind_progress p left join newest n using (indicator_code)
    where p.plan_version = 'demo-2025-2027' and (n.year is null or p.period_year = n.year)
)
"""


@dataclass(frozen=True)
class Running:
    """Superset as the tests share it."""

    settings: Settings
    server: SupersetServer
    owner: str
    """URL of the warehouse's owner."""

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read the warehouse as its owner."""
        with psycopg.connect(self.owner) as conn:
            return conn.execute(statement, values).fetchall()

    def api(self, user: str) -> SupersetApi:
        return SupersetApi(self.server.login(user))


@pytest.fixture(scope="module")
def running(
    built: BuildResult, warehouse_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    require_chromium()
    assert built.status in ("success", "skipped")
    subprocess.run(["make", "env-bi"], check=True, cwd=PROJECT, timeout=500)
    settings = Settings(
        home=tmp_path_factory.mktemp("superset"), database_url=warehouse_url,
        superset_port=free_port(), role_prefix="superset_e2e",
    )  # fmt: skip
    server = SupersetServer(settings)
    try:
        bring_up(settings, print)
        yield Running(settings, server, warehouse_url)
    finally:
        server.stop()


@pytest.fixture(scope="module")
def browser(
    running: Running, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SupersetBrowser]:
    with SupersetBrowser(tmp_path_factory.mktemp("chromium")) as made:
        yield made


@dataclass(frozen=True)
class Page:
    """A dashboard as it was shown."""

    charts: dict[str, dict[str, Any]]
    text: str

    def number(self, title: str) -> str:
        """The big number below a title; a badge of filters may stand between."""
        lines = self.charts[title]["text"].split("\n")
        return next(
            line
            for line in reversed(lines[:-1])
            if line.replace(",", "").replace(".", "").isdigit()
        )

    def rows(self, title: str) -> list[list[str]]:
        found: list[list[str]] = self.charts[title]["rows"]
        return found


def visit(
    running: Running, browser: SupersetBrowser, user: str, slugs: tuple[str, ...]
) -> dict[str, Page]:
    """Open the dashboards one after the other; nothing may fail, nothing leaves the machine."""
    login = running.server.login(user)
    browser.log_in(login.url, user, login.password)
    pages = {}
    for slug in slugs:
        browser.open_dashboard(login.url, slug)
        pages[slug] = Page(browser.charts(), browser.text())
        assert (slug, browser.errors()) == (slug, [])
    assert browser.complaints == []
    assert browser.outside(login.url) == []
    # What Superset would ask of others is this one picture; our policy keeps the browser from it.
    assert {url.split("/")[2] for url in browser.blocked} <= {"apachesuperset.gateway.scarf.sh"}
    return pages


@pytest.fixture(scope="module")
def admin_pages(running: Running, browser: SupersetBrowser) -> dict[str, Page]:
    return visit(running, browser, "admin", SLUGS)


@pytest.fixture(scope="module")
def county_pages(
    running: Running, browser: SupersetBrowser, admin_pages: dict[str, Page]
) -> dict[str, Page]:
    return visit(running, browser, USER, SLUGS)


def shown(value: Any, places: int = 2) -> str:
    """A number as tables write it: thousands, at most so many decimals; empty is N/A."""
    if value is None:
        return "N/A"
    text = f"{float(value):,.{places}f}"
    return (text.rstrip("0").rstrip(".") if places == 2 else text).replace("-", "-")


def test_every_chart_of_every_dashboard_is_shown(admin_pages: dict[str, Page]) -> None:
    assets = load_assets(PROJECT / "bi" / "assets")
    titles = {str(c["uuid"]): c["slice_name"] for c in assets.of("charts").values()}
    for content in assets.of("dashboards").values():
        wanted = {
            titles[node["meta"]["uuid"]]
            for node in content["position"].values()
            if isinstance(node, dict) and node.get("type") == "CHART"
        }
        assert set(admin_pages[content["slug"]].charts) == wanted


def test_the_scorecard_counts_as_the_warehouse_does(
    running: Running, admin_pages: dict[str, Page]
) -> None:
    page = admin_pages["scorecard"]
    counts = dict(
        running.rows(
            NEWEST + "select status, count(*) from latest where region_level = 'city' group by 1"
        )
    )
    judged = {s: counts.get(s, 0) for s in ("met", "on_track", "at_risk", "off_track")}
    assert sum(judged.values()) > 10
    assert page.number("可判定指标") == str(sum(judged.values()))
    assert page.number("● 达轨或已达标") == str(judged["met"] + judged["on_track"])
    assert page.number("▲ 偏慢") == str(judged["at_risk"])
    assert page.number("■ 滞后") == str(judged["off_track"])
    # Without data or target: in no other tile.
    assert page.number("— 未判定") == str(sum(counts.values()) - sum(judged.values()))
    assert page.rows("本页数据")[0][1] == "演示：合成数据或虚构目标，非真实统计"
    worst = running.rows(
        NEWEST + "select indicator_name_zh, value, trajectory_value, round(distance_pct)"
        " from latest"
        " where region_level = 'city' and distance < 0"
        " and status in ('met', 'on_track', 'at_risk', 'off_track')"
        " order by distance_pct limit 3"
    )
    assert [[r[0], r[1], r[2], r[4]] for r in page.rows("落后最多的指标（全市）")[:3]] == [
        [name, shown(value), shown(due), f"{int(gap):+d}"] for name, value, due, gap in worst
    ]


def county_rows(running: Running) -> list[list[str]]:
    """What 各县（市、区）一览 should say: judged, good, slow, lagging, share, not judged."""
    found = running.rows(
        NEWEST
        + """
        select region_name, judged, good, slow, lagging,
            round(100.0 * good / nullif(judged, 0), 1), total - judged
        from (
            select region_name, count(*) as total,
                count(*) filter (where status in ('met', 'on_track', 'at_risk', 'off_track'))
                    as judged,
                count(*) filter (where status in ('met', 'on_track')) as good,
                count(*) filter (where status = 'at_risk') as slow,
                count(*) filter (where status = 'off_track') as lagging
            from latest where region_level <> 'city' group by 1
        ) as counted"""
    )
    return sorted(["N/A" if cell is None else str(cell) for cell in row] for row in found)


def test_the_counties_are_those_of_the_warehouse(
    running: Running, admin_pages: dict[str, Page]
) -> None:
    wanted = county_rows(running)
    assert len(wanted) == 8
    assert sorted(admin_pages["counties"].rows("各县（市、区）一览")) == wanted


def test_the_tasks_are_those_of_the_warehouse(
    running: Running, admin_pages: dict[str, Page]
) -> None:
    page = admin_pages["tasks"]
    ((total, done, late, overdue),) = running.rows(
        "select count(*), count(*) filter (where status = 'done_on_time'),"
        " count(*) filter (where status = 'done_late'), count(*) filter (where status = 'overdue')"
        " from marts.fct_task where fiscal_year = (select max(fiscal_year) from marts.fct_task)"
    )
    assert total > 0
    numbers = [page.number(t) for t in ("任务总数", "● 按期完成", "▲ 逾期完成", "■ 逾期未完成")]
    assert numbers == [str(n) for n in (total, done, late, overdue)]
    assert len(page.rows("全部任务")) == total


def test_the_quality_is_that_of_the_warehouse(
    running: Running, admin_pages: dict[str, Page]
) -> None:
    page = admin_pages["quality"]
    ((missing, late, due, came),) = running.rows(
        "select count(*) filter (where status = 'missing'),"
        " count(*) filter (where status = 'late'),"
        " count(*) filter (where status <> 'not_due'),"
        " count(*) filter (where status in ('on_time', 'late')) from marts.qa_late_register"
    )
    assert due > 0
    assert page.number("■ 逾期未报") == f"{missing:,}"
    assert page.number("▲ 迟报") == f"{late:,}"
    assert page.number("报送率（%）") == f"{100 * came / due:.1f}"


def test_one_indicator_has_its_history(running: Running, admin_pages: dict[str, Page]) -> None:
    page = admin_pages["indicator"]
    code, name = page.rows("指标口径")[0][:2]
    wanted = running.rows(
        "select region_name, period, value, trajectory_value from marts.ind_progress"
        " where plan_version = 'demo-2025-2027' and indicator_code = %s and region_level = 'city'"
        " order by period_year desc",
        code,
    )
    assert wanted
    assert [[r[0], r[1], r[2], r[4]] for r in page.rows("各期数值与判定")] == [
        [region, period, shown(value), shown(due)] for region, period, value, due in wanted
    ]
    assert name in page.text


def test_a_county_sees_its_own_numbers_and_the_citys(
    running: Running, county_pages: dict[str, Page], admin_pages: dict[str, Page]
) -> None:
    own = [row for row in county_rows(running) if row[0] == COUNTY_NAME]
    assert county_pages["counties"].rows("各县（市、区）一览") == own
    # The city's page is the same for everybody.
    for title in ("可判定指标", "■ 滞后", "— 未判定"):
        assert county_pages["scorecard"].number(title) == admin_pages["scorecard"].number(title)
    ((missing,),) = running.rows(
        "select count(*) from marts.qa_late_register where status = 'missing'"
        " and county_code in (%s, '450400')",
        COUNTY,
    )
    assert county_pages["quality"].number("■ 逾期未报") == f"{missing:,}"
    for slug, page in county_pages.items():
        assert [name for name in OTHER_NAMES if name in page.text] == [], slug
    assert any(COUNTY_NAME in page.text for page in county_pages.values())


def question(running: Running, **query: Any) -> dict[str, Any]:
    """Ask the data of a chart that the county may see, as its page would, with ``query``."""
    admin = running.api("admin")
    ids = {d["slug"]: d["id"] for d in admin.items("dashboard", "id", "slug")}
    charts = {c["slice_name"]: c["id"] for c in admin.items("chart", "id", "slice_name")}
    datasets = {d["table_name"]: d["id"] for d in admin.items("dataset", "id", "table_name")}
    admin.close()
    return {
        "datasource": {"id": datasets["indicator_progress"], "type": "table"},
        "queries": [{"columns": ["region_name"], "metrics": ["judged"], "row_limit": 100, **query}],
        "form_data": {"dashboardId": ids["counties"], "slice_id": charts["各县（市、区）一览"]},
        "result_format": "json", "result_type": "full",
    }  # fmt: skip


def regions(running: Running, **query: Any) -> list[str]:
    """The regions that the county gets for a question of its own making."""
    api = running.api(USER)
    try:
        answer = api.answer("POST", "chart/data", json=question(running, **query))
        assert answer.status_code == 200, answer.text
        return sorted(row["region_name"] for row in answer.json()["result"][0]["data"])
    finally:
        api.close()


def test_a_county_gets_no_other_county_whatever_it_asks(running: Running) -> None:
    assert regions(running) == sorted([COUNTY_NAME, CITY_NAME])
    other = [{"col": "county_code", "op": "==", "val": OTHER}]
    assert regions(running, filters=other) == []
    widened = {"where": f"county_code = '{OTHER}' or true"}
    assert regions(running, extras=widened) == sorted([COUNTY_NAME, CITY_NAME])


def test_a_county_is_refused_everything_else(running: Running) -> None:
    api = running.api(USER)
    plain = question(running)
    without_dashboard = {key: value for key, value in plain.items() if key != "form_data"}
    closing = question(running, extras={"where": "1 = 1) or (1 = 1"})
    inner = question(running, metrics=[{
        "label": "n", "expressionType": "SQL",
        "sqlExpression": "(select count(*) from bi.indicator_progress)",
    }])  # fmt: skip
    dataset = plain["datasource"]["id"]
    dashboard = plain["form_data"]["dashboardId"]
    refused = {
        ("POST", "chart/data", "no dashboard"): (403, without_dashboard),
        ("POST", "chart/data", "closing bracket"): (400, closing),
        ("POST", "chart/data", "inner select"): (400, inner),
        ("POST", "sqllab/execute/", ""): (403, {"database_id": 1, "sql": "select 1"}),
        ("GET", "dataset/", ""): (403, None),
        ("GET", f"dataset/{dataset}", ""): (403, None),
        ("GET", "database/", ""): (403, None),
        ("POST", "database/", ""): (403, {"database_name": "x", "sqlalchemy_uri": "sqlite://"}),
        ("POST", "chart/", ""): (403, {"slice_name": "x", "datasource_id": dataset}),
        ("PUT", f"dashboard/{dashboard}", ""): (403, {"css": "x"}),
        ("GET", "rowlevelsecurity/", ""): (403, None),
        ("GET", "security/users/", ""): (403, None),
        ("GET", "assets/export/", ""): (403, None),
    }
    got = {
        (method, path, what): (api.answer(method, path, json=body).status_code, body)
        for (method, path, what), (_, body) in refused.items()
    }
    api.close()
    assert got == refused


def test_nobody_is_let_in_without_a_login(running: Running) -> None:
    import httpx

    url = running.server.url
    with httpx.Client(base_url=url, trust_env=False) as client:
        for path in ("dashboard/", "chart/", "dataset/", "database/"):
            answer = client.get(f"/api/v1/{path}")
            assert answer.status_code == 401 or answer.json()["count"] == 0, path
        page = client.get("/superset/dashboard/scorecard/")
        assert page.status_code == 302
        assert "/login" in page.headers["location"]
        sign_in = client.get("/login/")
        policy = sign_in.headers["content-security-policy"]
        assert "://" not in policy
        assert "img-src 'self' blob: data:" in policy
        cookie = sign_in.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie


def test_writing_needs_the_token_against_forged_requests(running: Running) -> None:
    import httpx

    login = running.server.login()
    with httpx.Client(base_url=login.url, trust_env=False) as client:
        body = {"username": login.user, "password": login.password, "provider": "db"}
        token = client.post("/api/v1/security/login", json=body).json()["access_token"]
        answer = client.post(
            "/api/v1/dashboard/", json={"dashboard_title": "x"},
            headers={"Authorization": f"Bearer {token}"},
        )  # fmt: skip
    assert answer.status_code == 400
    assert "CSRF" in answer.text


def test_the_analyst_reads_the_views_and_writes_nothing(running: Running) -> None:
    api = running.api("analyst")
    database = next(d["id"] for d in api.items("database", "id"))

    def ask(statement: str) -> tuple[int, str]:
        answer = api.answer(
            "POST", "sqllab/execute/", json={"database_id": database, "sql": statement}
        )
        return answer.status_code, answer.text

    status, text = ask("select count(*) as n from bi.region")
    assert status == 200
    assert json.loads(text)["data"] == [{"n": 9}]
    for schema in ("marts.dim_region", "raw.teachers", "quality.alert"):
        status, text = ask(f"select * from {schema}")
        assert status == 500
        assert "permission denied" in text
    assert ask("create table bi.x (a int)")[0] == 500
    assert api.answer(
        "POST", "database/", json={"database_name": "x", "sqlalchemy_uri": "sqlite://"}
    ).status_code == 403  # fmt: skip
    api.close()


def state(running: Running) -> list[Any]:
    """What Superset has of everything that is provisioned, with the time of the last change."""
    api = running.api("admin")
    found: list[Any] = [
        sorted((d["id"], d["changed_on_utc"]) for d in api.items(kind, "id", "changed_on_utc"))
        for kind in ("dashboard", "chart", "dataset")
    ]
    found += [
        sorted((d["id"], d["name"]) for d in api.items(kind, "id", "name"))
        for kind in ("rowlevelsecurity", "security/roles")
    ]
    found.append(sorted(d["username"] for d in api.items("security/users", "username")))
    api.close()
    return found


def test_a_second_run_changes_nothing_and_a_local_edit_is_set_right(running: Running) -> None:
    before, pids = state(running), processes(running)
    started = time.monotonic()
    bring_up(running.settings, print)
    assert time.monotonic() - started < 60
    assert state(running) == before
    assert processes(running) == pids

    api = running.api("admin")
    chart = next(
        c for c in api.items("chart", "id", "slice_name") if c["slice_name"] == "可判定指标"
    )
    api.call("PUT", f"chart/{chart['id']}", json={"slice_name": "改过的"})
    copy = api.call(
        "POST", "dashboard/", json={"dashboard_title": "自己的看板", "slug": "own"}
    )["id"]  # fmt: skip
    bring_up(running.settings, print, again=True)
    assert api.call("GET", f"chart/{chart['id']}")["result"]["slice_name"] == "可判定指标"
    assert api.call("GET", f"dashboard/{copy}")["result"]["dashboard_title"] == "自己的看板"
    api.call("DELETE", f"dashboard/{copy}")
    api.close()


def processes(running: Running) -> list[int]:
    return sorted(p.pid for p in supervisor.marked_processes(running.settings.home, PART))


def test_secrets_are_the_owners_alone(running: Running) -> None:
    home = running.settings.home / "superset"
    for name in ("login.json", "secret_key"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600
    login = json.loads((home / "login.json").read_text())
    secrets = [*login.values(), (home / "secret_key").read_text()]
    assert len(secrets) > 8
    log = running.server.log.read_text(errors="replace")
    assert [s for s in secrets if s in log] == []
    for pid in processes(running):
        assert running.owner not in " ".join(psutil.Process(pid).environ().values())


def test_down_leaves_no_process_and_a_taken_port_is_named(running: Running) -> None:
    """Last: it stops what the others use."""
    done = subprocess.run(
        [sys.executable, "-m", "eduplan.cli", "bi", "status"],
        check=False, capture_output=True, text=True, cwd=PROJECT,
        env={
            **os.environ, "EDUPLAN_HOME": str(running.settings.home),
            "EDUPLAN_DATABASE_URL": running.owner,
            "EDUPLAN_SUPERSET_PORT": str(running.settings.superset_port),
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "healthy" in done.stdout
    other = SupersetServer(replace_settings(running.settings, home=running.settings.home / "other"))
    with pytest.raises(Exception, match=f"port {running.settings.superset_port} for Superset"):
        other.start(print)
    assert running.server.stop() >= 2
    assert processes(running) == []
    assert not running.server.healthy()


def replace_settings(settings: Settings, **changes: Any) -> Settings:
    return Settings(**{**settings.model_dump(), **changes})
