"""The supervisor, with small stand-ins for Airflow's processes: tests/e2e runs the real ones."""

import json
import os
import socket
import stat
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from eduplan import supervisor
from eduplan.errors import PlatformError
from eduplan.postgres import free_port
from eduplan.settings import Settings
from eduplan.supervisor import COMPONENTS, MARKER, AirflowServer

pytestmark = pytest.mark.timeout(120)

# A worker as LocalExecutor has them: renamed, leaves the process group and is deaf to SIGTERM.
WORKER = """
import os, signal, sys, time
from setproctitle import setproctitle
setproctitle("airflow worker -- LocalExecutor: idle")
signal.signal(signal.SIGTERM, signal.SIG_IGN)
time.sleep(300)
"""
COMPONENT = """
import http.server, json, os, subprocess, sys, time
name = sys.argv[1]
if name == "scheduler":
    subprocess.Popen([sys.executable, "-c", sys.argv[2]], start_new_session=True)
if os.environ.get("FAKE_DIES") == name:
    sys.exit("the reason is here")
if name != "api-server":
    time.sleep(300)
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        dead = os.environ.get("FAKE_DIES", "").replace("-", "_")
        body = {k: {"status": os.environ.get("FAKE_HEALTH", "healthy" if k != dead else None)}
                for k in ("metadatabase", "scheduler", "dag_processor", "triggerer")}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())
    def log_message(self, *args):
        pass
port = int(os.environ["AIRFLOW__API__PORT"])
http.server.HTTPServer(("127.0.0.1", port), Health).serve_forever()
"""


class FakeAirflow(AirflowServer):
    grace_seconds = 0.5

    def command(self, *args: str) -> list[str]:
        if args == ("db", "migrate"):
            return [sys.executable, "-c", "print('migrated')"]
        return [sys.executable, "-c", COMPONENT, args[0], WORKER]


@pytest.fixture
def settings(tmp_path: Path, db_url: str) -> Settings:
    return Settings(home=tmp_path / "home", database_url=db_url, airflow_port=free_port())


@pytest.fixture
def server(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAirflow]:
    monkeypatch.setenv("EDUPLAN_AIRFLOW_DATABASE_URL", str(settings.database_url))
    server = FakeAirflow(settings)
    yield server
    server.stop()


def left(settings: Settings) -> list[psutil.Process]:
    return supervisor.marked_processes(settings.home)


def test_start_is_healthy_and_stop_leaves_nothing(server: FakeAirflow, settings: Settings) -> None:
    assert server.start(str(settings.database_url)) is True
    assert server.running()
    assert {s.name: s.health for s in server.status()} == dict.fromkeys(COMPONENTS, "healthy")
    assert len(left(settings)) == 5  # four components and the deaf worker

    assert server.stop() == 5
    assert left(settings) == []
    assert not server.running()
    assert server.stop() == 0


def test_second_start_changes_nothing(server: FakeAirflow, settings: Settings) -> None:
    server.start(str(settings.database_url))
    before = {p.pid for p in left(settings)}
    assert server.start(str(settings.database_url)) is False
    assert {p.pid for p in left(settings)} == before


def test_other_settings_restart_it(server: FakeAirflow, settings: Settings) -> None:
    server.start(str(settings.database_url))
    before = {p.pid for p in left(settings)}
    moved = settings.model_copy(update={"source_root": Path("/srv/other")})
    assert FakeAirflow(moved).start(str(settings.database_url)) is True
    assert not before & {p.pid for p in left(settings)}


def test_a_component_that_dies_ends_the_start_with_its_log(
    server: FakeAirflow, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_DIES", "dag-processor")
    with pytest.raises(PlatformError, match="dag-processor ended") as caught:
        server.start(str(settings.database_url))
    assert "the reason is here" in str(caught.value)
    assert str(server.log("dag-processor")) in caught.value.hint
    assert left(settings) == []


def test_a_start_can_be_cancelled_from_another_thread(
    server: FakeAirflow, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_HEALTH", "unhealthy")
    cancel, said = threading.Event(), []
    thread = threading.Timer(2, cancel.set)
    thread.start()
    with pytest.raises(PlatformError, match="cancelled"):
        server.start(str(settings.database_url), said.append, cancel)
    assert any("waiting for" in line for line in said)
    assert left(settings) == []


def test_port_taken_says_by_whom_and_what_to_do(server: FakeAirflow, settings: Settings) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", settings.airflow_port))
        other.listen()
        with pytest.raises(PlatformError) as caught:
            server.start(str(settings.database_url))
    assert f"port {settings.airflow_port}" in str(caught.value)
    assert f"pid {os.getpid()}" in str(caught.value)
    assert "EDUPLAN_AIRFLOW_PORT" in caught.value.hint
    assert left(settings) == []


def test_an_orphan_is_found_by_its_mark(settings: Settings) -> None:
    parent = textwrap.dedent(f"""
        import subprocess, sys
        print(subprocess.Popen([sys.executable, "-c", {WORKER!r}], start_new_session=True,
                               stdout=subprocess.DEVNULL).pid)
    """)
    env = {**os.environ, **supervisor.marks(settings.home, "airflow")}
    done = subprocess.run(
        [sys.executable, "-c", parent], env=env, check=True, stdout=subprocess.PIPE
    )
    pid = int(done.stdout)
    assert [p.pid for p in left(settings)] == [pid]
    other = settings.model_copy(update={"home": settings.home.parent / "other"})
    assert left(other) == []

    started = time.monotonic()
    assert supervisor.stop_processes(left(settings), grace=1) == 1
    assert time.monotonic() - started < 5
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_recycled_pid_is_not_ours(server: FakeAirflow, settings: Settings) -> None:
    server.home.mkdir(parents=True)
    components = {name: (os.getpid(), 1.0) for name in COMPONENTS}  # this test, "created" in 1970
    (server.home / "processes.json").write_text(json.dumps({"components": components}))
    assert not server.running()
    assert server.stop() == 0  # and we still live


def test_login_is_private_and_stays(server: FakeAirflow, settings: Settings) -> None:
    login = server.login()
    assert login.url == f"http://127.0.0.1:{settings.airflow_port}"
    assert json.loads(login.password_file.read_text()) == {"admin": login.password}
    for file in (login.password_file, server.home / "secrets.json"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert FakeAirflow(settings).login() == login


def test_configuration_is_environment_only(
    server: FakeAirflow, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "True")
    monkeypatch.setenv("AIRFLOW_CONN_SIS", "postgresql://sis.example/school")
    env = server.environment(
        "postgresql://u:p@127.0.0.1:1/warehouse", "postgresql://a:b@h:5/airflow"
    )
    assert env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == "postgresql+psycopg2://a:b@h:5/airflow"
    assert env["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert env["AIRFLOW__CORE__LOAD_EXAMPLES"] == "False"
    assert env["AIRFLOW_CONN_SIS"] == "postgresql://sis.example/school"
    assert env[MARKER] == str(settings.home)
    assert env["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].startswith(server.url)
    assert "p@127" not in " ".join(server.command("scheduler"))


def test_log_servers_do_not_start(
    server: FakeAirflow, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They listen on every interface whatever AIRFLOW__API__HOST says."""
    commands: list[tuple[str, ...]] = []
    plain = server.command

    def command(*args: str) -> list[str]:
        commands.append(args)
        return plain(*args)

    monkeypatch.setattr(server, "command", command)
    server.start(str(settings.database_url))
    assert ("scheduler", "--skip-serve-logs") in commands
    assert ("triggerer", "--skip-serve-logs") in commands


def test_metadata_beside_a_warehouse_whose_url_has_slashes_in_its_query(db_url: str) -> None:
    url = f"{db_url}?application_name=a/b"
    server = AirflowServer(Settings(database_url=url, home=Path("/nowhere")))
    found = server.metadata_url()
    assert found == db_url.rpartition("/")[0] + "/airflow?application_name=a/b"
    with psycopg.connect(found) as conn:
        assert conn.execute("select current_database()").fetchone() == ("airflow",)
