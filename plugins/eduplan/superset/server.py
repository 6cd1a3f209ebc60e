"""Starts, watches and stops Superset: one process tree of its own environment ``.venv-bi``."""

import contextlib
import hashlib
import json
import os
import secrets
import subprocess
import time
from collections.abc import Callable

import httpx

from eduplan import supervisor, warehouse
from eduplan.errors import PlatformError
from eduplan.postgres import file_lock, own_database, write_private
from eduplan.settings import Settings
from eduplan.superset.rest import Login

ADMIN = "admin"
DATABASE = "superset"
PART = "superset"

Say = Callable[[str], None]


class SupersetServer:
    """Superset of one installation; its metadata is in a PostgreSQL database of its own."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.home = settings.home / "superset"
        self.folder = settings.project_dir / "bi"
        self.python = settings.project_dir / ".venv-bi" / "bin" / "python"
        self.log = settings.logs_dir / "superset.log"
        self._secret_file = self.home / "secret_key"
        self._fingerprint_file = self.home / "fingerprint"
        self.login_file = self.home / "login.json"

    @property
    def url(self) -> str:
        """Address of the web interface and the REST API."""
        own = f"http://{supervisor.HOST}:{self.settings.superset_port}"
        return (self.settings.superset_url or own).rstrip("/")

    def login(self, user: str = ADMIN) -> Login:
        """Return address, user and password; a new user gets a password at first use."""
        return Login(self.url, user, self.passwords([user])[user], self.login_file)

    def passwords(self, users: list[str]) -> dict[str, str]:
        """Return {user: password} from the login file, to which new users are added."""
        known: dict[str, str] = {}
        given = os.environ.get("EDUPLAN_SUPERSET_ADMIN_PASSWORD")
        with contextlib.suppress(FileNotFoundError):
            known = json.loads(self.login_file.read_text())
        new = {user: secrets.token_urlsafe(12) for user in users if user not in known}
        if new:
            known |= new
            write_private(self.login_file, json.dumps(known, indent=1) + "\n")
        return {user: given if given and user == ADMIN else known[user] for user in users}

    def _secret_key(self) -> str:
        if not self._secret_file.exists():
            write_private(self._secret_file, secrets.token_urlsafe(42))
        return self._secret_file.read_text()

    def environment(self) -> dict[str, str]:
        """Return the whole configuration of Superset as environment variables."""
        # Nothing of our own Python, nor the URL of the warehouse's owner, has business in there.
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "EDUPLAN_", "AIRFLOW_", "VIRTUAL_ENV"))
        }
        chosen = {k: v for k, v in os.environ.items() if k in _PASSED_ON}
        metadata = own_database(self.settings, DATABASE, "EDUPLAN_SUPERSET_DATABASE_URL")
        return {
            **inherited,
            **chosen,
            **supervisor.marks(self.settings.home, PART),
            "PYTHONPATH": str(self.folder),
            "SUPERSET_HOME": str(self.home),
            "EDUPLAN_SUPERSET_SECRET_KEY": self._secret_key(),
            "EDUPLAN_SUPERSET_ADMIN_PASSWORD": self.login().password,
            "EDUPLAN_SUPERSET_METADATA": warehouse.sqlalchemy_url(metadata, "psycopg2"),
            "EDUPLAN_SUPERSET_BIND": f"{supervisor.HOST}:{self.settings.superset_port}",
            "EDUPLAN_SUPERSET_STAMP": str(self.home / "prepared.json"),
            "DO_NOT_TRACK": "1",
            "SCARF_ANALYTICS": "false",
        }

    def running(self) -> bool:
        """Tell whether a process of this installation's Superset is alive."""
        return bool(supervisor.marked_processes(self.settings.home, PART))

    def healthy(self) -> bool:
        """Tell whether Superset answers."""
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/health", timeout=10, trust_env=False).text == "OK"
        return False

    def start(self, say: Say) -> bool:
        """Start Superset and wait until it answers; False when it ran already as it should.

        A Superset that others start (``superset_url``) is only waited for.

        Raises PlatformError when its environment is missing, the port is taken, or it does not
        come up; then nothing of it is left running.
        """
        if self.settings.superset_url is not None:
            if not self.healthy():
                raise PlatformError(
                    f"Superset does not answer at {self.url}",
                    hint="start it, or unset EDUPLAN_SUPERSET_URL",
                )
            return False
        if not self.python.exists():
            raise PlatformError(
                f"Superset's environment {self.python.parents[1]} does not exist",
                hint="run `make bi`, or `python3 scripts/bootstrap.py bi`",
            )
        with file_lock(self.home / ".lock"):
            environment = self.environment()
            fingerprint = self._fingerprint(environment)
            if self.running():
                with contextlib.suppress(FileNotFoundError):
                    if self._fingerprint_file.read_text() == fingerprint and self.healthy():
                        return False
                say("Superset runs with other settings: restarting it")
                self._stop()
            owner = supervisor.port_owner(self.settings.superset_port)
            if owner is not None:
                raise PlatformError(
                    f"port {self.settings.superset_port} for Superset is taken by {owner}",
                    hint="stop it, or choose another port: EDUPLAN_SUPERSET_PORT=8089 make bi",
                )
            try:
                self._spawn(environment, fingerprint, say)
            except BaseException:
                self._stop()
                raise
        return True

    def _fingerprint(self, environment: dict[str, str]) -> str:
        chosen = {k: v for k, v in environment.items() if k.startswith("EDUPLAN_SUPERSET_")}
        digest = hashlib.sha256(json.dumps(chosen, sort_keys=True).encode())
        for name in ("requirements.lock", "serve.py", "superset_config.py"):
            digest.update((self.folder / name).read_bytes())
        return digest.hexdigest()

    def _spawn(
        self, environment: dict[str, str], fingerprint: str, say: Say, timeout: float = 300
    ) -> None:
        say("starting Superset (the first start prepares its database: half a minute or more)")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as out:
            child = subprocess.Popen(  # noqa: S603
                [str(self.python), str(self.folder / "serve.py")],
                env=environment, cwd=self.home, stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + timeout
        while not self.healthy():
            if child.poll() is not None:
                raise PlatformError(
                    f"Superset ended; its log ends with:\n{supervisor.log_tail(self.log)}",
                    hint=f"read {self.log}",
                )
            if time.monotonic() > deadline:
                raise PlatformError(
                    f"Superset does not answer after {timeout:.0f} s",
                    hint=f"read {self.log}; is the machine short of memory or CPU?",
                )
            time.sleep(0.5)
        write_private(self._fingerprint_file, fingerprint)

    def stop(self) -> int:
        """Stop every process of Superset; return how many there were."""
        with file_lock(self.home / ".lock"):
            return self._stop()

    def _stop(self) -> int:
        return supervisor.stop_processes(supervisor.marked_processes(self.settings.home, PART))


_PASSED_ON = ("EDUPLAN_SUPERSET_REDIS_URL", "EDUPLAN_SUPERSET_TLS", "EDUPLAN_SUPERSET_WORKERS")
