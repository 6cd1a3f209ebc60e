"""The demo's source systems that are no files: the platforms' API and the admissions database.

Played by ``demo.platforms`` and ``demo.admissions`` from what the city wrote; addresses and
generated passwords go to ``<home>/connections.env`` (mode 0600), where Airflow and the command
line find them.
"""

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
from urllib.parse import quote, urlsplit

from eduplan import supervisor
from eduplan.connections import FILE, variable
from eduplan.errors import PlatformError
from eduplan.postgres import EmbeddedPostgres, free_port, write_private
from eduplan.settings import Settings

PART = "sources"
PLATFORMS = ("training", "literacy", "lifelong")
_BASE = {"training": "teacher/v1", "literacy": "literacy/v1", "lifelong": "lifelong/v1"}
_ADMISSIONS = "admissions"


class DemoSources:
    """Prepared before Airflow, which inherits the connections; started when the city is made."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = settings.home / "sources"
        self.log = settings.logs_dir / "platforms.log"
        self._state = self.folder / "state.json"
        self._secrets = self.folder / "platforms.json"
        self._password = self.folder / "admissions-password"

    def present(self) -> bool:
        """Tell whether the source folder is a city with these systems."""
        return (self.settings.source_root / "_platforms").is_dir()

    def wanted(self) -> bool:
        """Tell whether the demo ran here: then its systems start with everything else."""
        return self.present() and (self.settings.home / FILE).exists()

    def prepare(self) -> None:
        """Choose addresses and passwords, once; write the connections."""
        if self.settings.database_url is not None:
            EmbeddedPostgres(self.settings.home).start()  # the admissions need a server of ours
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = self._read()
        if not state:
            state = {"port": str(free_port())}
            write_private(self._password, secrets.token_urlsafe(24))
            known = {
                "client_id": "eduplan",
                "client_secret": secrets.token_urlsafe(24),
                "admin": secrets.token_urlsafe(24),
            }
            write_private(self._secrets, json.dumps(known))
        owner = supervisor.port_owner(int(state["port"]))
        if owner is not None and not self._process():
            state["port"] = str(free_port())
        write_private(self._state, json.dumps(state))
        known = json.loads(self._secrets.read_text(encoding="utf-8"))
        login = f"{known['client_id']}:{quote(known['client_secret'], safe='')}"
        lines = [
            f"{variable(f'platform_{name}')}"
            f"=http://{login}@127.0.0.1:{state['port']}/{quote(_BASE[name], safe='')}"
            for name in PLATFORMS
        ]
        server = urlsplit(EmbeddedPostgres(self.settings.home).url()).netloc.rpartition("@")[2]
        password = quote(self._password.read_text(), safe="")
        lines.append(
            f"{variable(_ADMISSIONS)}=postgres://{_ADMISSIONS}_reader:{password}@{server}/{_ADMISSIONS}"
        )
        write_private(self.settings.home / FILE, "\n".join(lines) + "\n")

    def start(self) -> None:
        """Load the database and start the API; nothing is done twice."""
        self._load_admissions()
        if not self._process():
            self._start_platforms()

    def _read(self) -> dict[str, str]:
        with contextlib.suppress(OSError, json.JSONDecodeError):
            state: dict[str, str] = json.loads(self._state.read_text(encoding="utf-8"))
            return state
        return {}

    def _process(self) -> bool:
        return bool(supervisor.marked_processes(self.settings.home, PART))

    def _start_platforms(self) -> None:
        port = int(self._read()["port"])
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as out:
            process = subprocess.Popen(  # noqa: S603
                [
                    sys.executable, "-m", "demo.platforms", "--port", str(port),
                    "--data", str(self.settings.source_root / "_platforms"),
                    "--secrets", str(self._secrets),
                ],
                cwd=self.settings.project_dir, stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, start_new_session=True,
                env={**os.environ, **supervisor.marks(self.settings.home, PART)},
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while supervisor.port_owner(port) is None:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise PlatformError(
                    f"the platforms' server did not start:\n{supervisor.log_tail(self.log)}",
                    hint=f"read {self.log}",
                )
            time.sleep(0.1)

    def _load_admissions(self) -> None:
        done = subprocess.run(  # noqa: S603
            [
                sys.executable, "-m", "demo.admissions",
                "--city", str(self.settings.source_root), "--secret", str(self._password),
            ],
            cwd=self.settings.project_dir, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, check=False,
            env={
                **os.environ,
                "ADMISSIONS_ADMIN_URL": EmbeddedPostgres(self.settings.home).url("postgres"),
            },
        )  # fmt: skip
        if done.returncode != 0:
            raise PlatformError(
                f"the admissions database could not be loaded:\n{done.stderr[-2000:]}",
                hint="run `make demo` again; `make purge` starts from nothing",
            )
