"""Starts, watches and stops Airflow on one machine; every child goes when it says so.

Four components (api-server, scheduler, dag-processor, triggerer), each in a session of its own,
configured by environment variables alone. Every process started here, and all that they start,
carries ``EDUPLAN_INSTANCE=<home>``: that finds also workers that left their process group, and
never a process of another installation.
"""

import base64
import contextlib
import hashlib
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

from eduplan import connections, warehouse
from eduplan.airflow.rest import AirflowApi, Login
from eduplan.errors import PlatformError
from eduplan.lineage import events
from eduplan.postgres import AIRFLOW as METADATA_DATABASE
from eduplan.postgres import (
    EmbeddedPostgres,
    ensure_database,
    file_lock,
    own_database,
    write_private,
)
from eduplan.settings import Settings

COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
HEALTH = {
    "api-server": "metadatabase",
    "scheduler": "scheduler",
    "dag-processor": "dag_processor",
    "triggerer": "triggerer",
}
# Their log servers would listen on every interface; the api-server reads the same files itself.
_OPTIONS = {"scheduler": ("--skip-serve-logs",), "triggerer": ("--skip-serve-logs",)}
MARKER, PART = "EDUPLAN_INSTANCE", "EDUPLAN_INSTANCE_PART"
ADMIN = "admin"
HOST = "127.0.0.1"

Say = Callable[[str], None]


def _silent(_message: str) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class ComponentStatus:
    """One process of the installation; ``pid`` is None when it does not run."""

    name: str
    pid: int | None
    started: float | None
    health: str
    log: Path


# --- processes -----------------------------------------------------------------------------------


def _alive(pid: int, created: float) -> psutil.Process | None:
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        # A pid is reused sooner or later: the creation time tells the processes apart.
        if abs(process.create_time() - created) < 1 and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def marks(home: Path, part: str) -> dict[str, str]:
    """Return the variables that mark a process and all it starts as a part of an installation."""
    # Airflow renames its processes: without SPT_NOENV the new title is written over the marks.
    return {MARKER: str(home), PART: part, "SPT_NOENV": "1"}


def marked_processes(home: Path, part: str | None = None) -> list[psutil.Process]:
    """Return the live processes of the installation in ``home`` (of one part), never ourselves."""
    own = {os.getpid(), *(p.pid for p in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid in own or process.status() == psutil.STATUS_ZOMBIE:
                continue
            environment = process.environ()
            if environment.get(MARKER) == str(home) and part in (None, environment.get(PART)):
                found.append(process)
    return found


def stop_processes(processes: list[psutil.Process], grace: float = 8.0) -> int:
    """Ask ``processes`` and all their descendants to end, kill what has not after ``grace`` s.

    Returns how many ended. The snapshot is taken before the first signal: a parent that dies first
    would hide its children.
    """
    tree: dict[int, psutil.Process] = {}
    for process in processes:
        with contextlib.suppress(psutil.Error):
            for member in [process, *process.children(recursive=True)]:
                tree[member.pid] = member
    tree.pop(os.getpid(), None)
    for process in tree.values():
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, stubborn = psutil.wait_procs(list(tree.values()), timeout=grace)
    for process in stubborn:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, timeout=5)
    return len(tree)


def port_owner(port: int) -> str | None:
    """Return who listens on a local TCP ``port``, or None when it is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            return None
        except PermissionError:
            return "the system (ports below 1024 need root)"
        except OSError:
            pass
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status != psutil.CONN_LISTEN or not connection.laddr:
                continue
            if connection.laddr.port == port and connection.pid:
                process = psutil.Process(connection.pid)
                return f"{process.name()} (pid {process.pid}, user {process.username()})"
    return "another process"


def log_tail(path: Path, lines: int = 12) -> str:
    """Return the end of a log file for an error message."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return "(no log)"


# --- Airflow -------------------------------------------------------------------------------------


class AirflowServer:
    """Airflow of one installation: LocalExecutor, its metadata in a database of its own."""

    grace_seconds = 8.0
    """How long a process may take to end by itself."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.home = settings.home / "airflow"
        self._state_file = self.home / "processes.json"
        self._secrets_file = self.home / "secrets.json"
        self._password_file = self.home / "login.json"

    @property
    def url(self) -> str:
        """Address of the web interface and the REST API."""
        return f"http://{HOST}:{self.settings.airflow_port}"

    def login(self) -> Login:
        """Return address, user and password; creates the secrets at first use."""
        secret = self._secrets()
        return Login(self.url, ADMIN, secret["admin_password"], self._password_file)

    def log(self, component: str) -> Path:
        """Return the log file of a component."""
        return self.settings.logs_dir / f"airflow-{component}.log"

    def command(self, *args: str) -> list[str]:
        """Return the command line of an Airflow command; holds no secret."""
        return [sys.executable, "-m", "airflow", *args]

    def _secrets(self) -> dict[str, str]:
        try:
            found: dict[str, str] = json.loads(self._secrets_file.read_text())
        except FileNotFoundError:
            found = {
                "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
                "secret_key": secrets.token_urlsafe(32),
                "jwt_secret": secrets.token_urlsafe(64),
                "admin_password": secrets.token_urlsafe(12),
            }
            write_private(self._secrets_file, json.dumps(found))
        self._write_passwords(found["admin_password"])
        return found

    def _write_passwords(self, admin: str) -> None:
        """Airflow would make up missing passwords itself, and write them to its log."""
        passwords = {}
        with contextlib.suppress(FileNotFoundError):
            passwords = json.loads(self._password_file.read_text())
        known = set(passwords)
        passwords.setdefault(ADMIN, admin)
        for user in filter(None, self.settings.airflow_users.split(",")):
            passwords.setdefault(user.partition(":")[0], secrets.token_urlsafe(12))
        if set(passwords) != known:
            write_private(self._password_file, json.dumps(passwords) + "\n")

    def _state(self) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads(self._state_file.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return state

    def metadata_url(self) -> str:
        """Return the libpq URL of Airflow's own database, creating it where we may."""
        return own_database(self.settings, METADATA_DATABASE, "EDUPLAN_AIRFLOW_DATABASE_URL")

    def environment(self, database_url: str, metadata_url: str) -> dict[str, str]:
        """Return the whole configuration of the components as environment variables."""
        settings, secret = self.settings, self._secrets()
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("AIRFLOW__") and name != "PYTHONDONTWRITEBYTECODE"
        }
        return {
            **connections.from_file(settings.home / connections.FILE),
            **inherited,
            **marks(settings.home, "airflow"),
            "EDUPLAN_PROJECT_DIR": str(settings.project_dir),
            "EDUPLAN_HOME": str(settings.home),
            "EDUPLAN_SOURCE_ROOT": str(settings.source_root),
            "EDUPLAN_DATABASE_URL": database_url,
            "EDUPLAN_PLAN_VERSION": settings.plan_version,
            "EDUPLAN_AIRFLOW_PORT": str(settings.airflow_port),
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(settings.project_dir / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(settings.project_dir / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "eduplan.airflow.executor.WarmLocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": os.environ.get("EDUPLAN_AIRFLOW_PARALLELISM", "3"),
            "AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG": "1",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
            "AIRFLOW__CORE__FERNET_KEY": secret["fernet_key"],
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(
                filter(None, (f"{ADMIN}:admin", *self.settings.airflow_users.split(",")))
            ),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self._password_file),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": warehouse.sqlalchemy_url(
                metadata_url, "psycopg2"
            ),
            "AIRFLOW__API__HOST": HOST,
            "AIRFLOW__API__PORT": str(settings.airflow_port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__SECRET_KEY": secret["secret_key"],
            "AIRFLOW__API_AUTH__JWT_SECRET": secret["jwt_secret"],
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
            "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "60",
            "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "120",
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(settings.logs_dir / "tasks"),
            "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            **events.airflow_environment(settings),
            "GX_ANALYTICS_ENABLED": "false",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "False",
            "DO_NOT_TRACK": "1",
            "SCARF_NO_ANALYTICS": "true",
            # Loopback only: a configured proxy must not see the components talk to each other.
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    def _components(self) -> dict[str, psutil.Process]:
        found = {}
        for name, (pid, created) in self._state().get("components", {}).items():
            process = _alive(pid, created)
            if process is not None:
                found[name] = process
        return found

    def running(self) -> bool:
        """Tell whether all four components of this installation are alive."""
        return set(self._components()) == set(COMPONENTS)

    def health(self) -> dict[str, str]:
        """Return {component: healthy | unhealthy | unreachable} as Airflow itself reports."""
        import httpx

        try:
            answer = httpx.get(
                f"{self.url}/api/v2/monitor/health", timeout=10, trust_env=False
            ).json()
        except (httpx.HTTPError, ValueError):
            return dict.fromkeys(COMPONENTS, "unreachable")
        return {
            c: (answer.get(key) or {}).get("status") or "unhealthy" for c, key in HEALTH.items()
        }

    def _warm_up(self) -> None:
        """Ask the part that tasks talk to: it builds itself at its first request, for seconds."""
        import httpx

        with contextlib.suppress(httpx.HTTPError):
            httpx.get(f"{self.url}/execution/health", timeout=120, trust_env=False)

    def status(self) -> list[ComponentStatus]:
        """Return the state of each component."""
        alive = self._components()
        health = self.health() if alive else dict.fromkeys(COMPONENTS, "stopped")
        return [
            ComponentStatus(
                name,
                alive[name].pid if name in alive else None,
                alive[name].create_time() if name in alive else None,
                health[name] if name in alive else "stopped",
                self.log(name),
            )
            for name in COMPONENTS
        ]

    def start(
        self, database_url: str, say: Say = _silent, cancel: threading.Event | None = None
    ) -> bool:
        """Start what does not run and wait until it is healthy; False when all was there already.

        ``cancel`` ends the wait from another thread.

        Raises PlatformError when the port is taken, a component dies or health does not come;
        then nothing of Airflow is left running.
        """
        with file_lock(self.home / ".lock"):
            metadata_url = self.metadata_url()
            environment = self.environment(database_url, metadata_url)
            fingerprint = self._fingerprint(environment)
            if self.running():
                if self._state().get("fingerprint") == fingerprint:
                    return False
                say("Airflow runs with other settings: restarting it")
            self._stop()
            self.refuse_taken_port()
            try:
                self._migrate(environment, metadata_url, say)
                self._spawn(environment, fingerprint, cancel)
                self._wait_healthy(say, cancel)
            except BaseException:
                self._stop()
                raise
        return True

    @staticmethod
    def _fingerprint(environment: dict[str, str]) -> str:
        names = ("EDUPLAN_DATABASE_URL", "EDUPLAN_SOURCE_ROOT", "EDUPLAN_PROJECT_DIR")
        chosen = {k: v for k, v in environment.items() if k.startswith("AIRFLOW_") or k in names}
        return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()

    def refuse_taken_port(self) -> None:
        """Raise PlatformError naming who holds Airflow's port, if anybody does."""
        port = self.settings.airflow_port
        owner = port_owner(port)
        if owner is not None:
            raise PlatformError(
                f"port {port} for Airflow is taken by {owner}",
                hint="stop it, or choose another port: EDUPLAN_AIRFLOW_PORT=8081 make demo",
            )

    def _migrate(self, environment: dict[str, str], metadata_url: str, say: Say) -> None:
        from importlib.metadata import version

        stamp = self.home / "migrated.json"
        # Airflow's own check costs seconds of imports: ask the database instead.
        wanted = {"airflow": version("apache-airflow-core"), "revision": _revision(metadata_url)}
        with contextlib.suppress(OSError, json.JSONDecodeError):
            if wanted["revision"] and json.loads(stamp.read_text()) == wanted:
                return
        say("preparing Airflow's database")
        log = self.log("migrate")
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as out:
            done = subprocess.run(  # noqa: S603
                self.command("db", "migrate"),
                check=False, env=environment, stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, cwd=self.home, start_new_session=True,
            )  # fmt: skip
        if done.returncode != 0:
            raise PlatformError(
                f"`airflow db migrate` failed; its log ends with:\n{log_tail(log)}",
                hint=f"read {log}; `eduplan purge` starts from nothing",
            )
        wanted["revision"] = _revision(metadata_url)
        stamp.write_text(json.dumps(wanted))

    def _spawn(
        self, environment: dict[str, str], fingerprint: str, cancel: threading.Event | None
    ) -> None:
        self.settings.logs_dir.mkdir(parents=True, exist_ok=True)
        components: dict[str, tuple[int, float]] = {}
        for name in COMPONENTS:
            if cancel is not None and cancel.is_set():
                raise PlatformError("the start of Airflow was cancelled")
            with self.log(name).open("wb") as out:
                child = subprocess.Popen(  # noqa: S603
                    self.command(name, *_OPTIONS.get(name, ())),
                    env=environment, cwd=self.home, stdin=subprocess.DEVNULL, stdout=out,
                    stderr=subprocess.STDOUT, start_new_session=True,
                )  # fmt: skip
            components[name] = (child.pid, psutil.Process(child.pid).create_time())
            # Written at once: a crash here must not hide the children started so far.
            state = {"components": components, "fingerprint": fingerprint}
            write_private(self._state_file, json.dumps(state))

    def _wait_healthy(self, say: Say, cancel: threading.Event | None, timeout: float = 300) -> None:
        deadline = time.monotonic() + timeout
        waiting, warm = "", False
        while True:
            if cancel is not None and cancel.is_set():
                raise PlatformError("the start of Airflow was cancelled")
            dead = set(COMPONENTS) - set(self._components())
            if dead:
                name = sorted(dead)[0]
                raise PlatformError(
                    f"Airflow's {name} ended; its log ends with:\n{log_tail(self.log(name))}",
                    hint=f"read {self.log(name)}",
                )
            missing = sorted(c for c, state in self.health().items() if state != "healthy")
            if "api-server" not in missing and not warm:
                warm = True
                self._warm_up()
                continue
            if not missing:
                return
            if time.monotonic() > deadline:
                raise PlatformError(
                    f"Airflow's {', '.join(missing)} not healthy after {timeout:.0f} s",
                    hint=f"read {self.log(missing[0])}; is the machine short of memory or CPU?",
                )
            if waiting != ", ".join(missing):
                waiting = ", ".join(missing)
                say(f"waiting for {waiting}")
            time.sleep(0.5)

    def stop(self) -> int:
        """Stop every process of Airflow; return how many there were."""
        with file_lock(self.home / ".lock"):
            return self._stop()

    def _stop(self) -> int:
        processes = [*self._components().values(), *self._strays()]
        count = stop_processes(processes, self.grace_seconds)
        # A dying parent may start one more child: look again until nothing is found.
        for _ in range(5):
            strays = self._strays()
            if not strays:
                break
            count += stop_processes(strays, grace=2)
        left = self._strays()
        if left:
            names = ", ".join(f"{p.name()} (pid {p.pid})" for p in left)
            raise PlatformError(f"these processes did not end: {names}", hint="kill them by pid")
        self._state_file.unlink(missing_ok=True)
        return count

    def _strays(self) -> list[psutil.Process]:
        return marked_processes(self.settings.home, "airflow")


def _revision(metadata_url: str) -> str | None:
    with contextlib.suppress(psycopg.Error), psycopg.connect(metadata_url) as conn:
        row = conn.execute("select version_num from alembic_version").fetchone()
        return str(row[0]) if row else None
    return None


# --- the whole installation ----------------------------------------------------------------------


POOL_SLOTS = 2


def start_airflow(
    settings: Settings, url: str, say: Say = _silent, cancel: threading.Event | None = None
) -> None:
    """Start Airflow on the warehouse ``url`` and create the pools that the contracts name."""
    from eduplan.contract import load_contracts

    server = AirflowServer(settings)
    started = server.start(url, say, cancel)
    api = AirflowApi(server.login())
    try:
        for pool in sorted({c.pool for c in load_contracts(settings.expectations_dir).values()}):
            api.create_pool(pool, POOL_SLOTS, "tasks at once on one source system")
    finally:
        api.close()
    say(f"Airflow is up at {server.url}" if started else f"Airflow runs already at {server.url}")


def up(settings: Settings, say: Say = _silent) -> str:
    """Start PostgreSQL (unless EDUPLAN_DATABASE_URL is set) and Airflow; return the warehouse."""
    server = AirflowServer(settings)
    if not server.running():
        server.refuse_taken_port()
    say("starting PostgreSQL")
    url = ensure_database(settings)
    start_airflow(settings, url, say)
    return url


def down(settings: Settings) -> int:
    """Stop Airflow, Superset and the embedded PostgreSQL; return how many processes were stopped.

    Raises PlatformError when anything is left.
    """
    count = stop_processes(marked_processes(settings.home, "city"))
    count += AirflowServer(settings).stop()
    count += stop_processes(marked_processes(settings.home, "sources"))
    count += stop_processes(marked_processes(settings.home, "superset"))
    return count + int(EmbeddedPostgres(settings.home).stop())
