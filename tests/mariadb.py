"""A MariaDB of the tests' own: temporary files, loopback only, an unprivileged user."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql

from eduplan.postgres import free_port

TOOLS = ("mariadb-install-db", "mariadbd")


def missing_tools() -> list[str]:
    """Return the programs of mariadb-server that are not installed."""
    return [tool for tool in TOOLS if _tool(tool) is None]


def _tool(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextlib.contextmanager
def server() -> Iterator[int]:
    """Run a server and yield its port; ``root`` has no password and comes in from loopback."""
    # The root of a container runs it as nobody, who cannot enter pytest's folders.
    runner: dict[str, Any] = {}
    base = Path(tempfile.mkdtemp(prefix="eduplan-mariadb-"))
    if os.geteuid() == 0:
        user = pwd.getpwnam("nobody")
        runner = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        os.chown(base, user.pw_uid, user.pw_gid)
    data, port = base / "data", free_port()
    log = (base / "server.log").open("wb")
    quiet: dict[str, Any] = {"stdout": log, "stderr": log, "stdin": subprocess.DEVNULL, **runner}
    try:
        subprocess.run(  # noqa: S603
            [
                str(_tool("mariadb-install-db")), "--no-defaults", f"--datadir={data}",
                "--auth-root-authentication-method=normal", "--skip-test-db",
            ],
            check=True, cwd="/", **quiet,
        )  # fmt: skip
        process = subprocess.Popen(  # noqa: S603
            [
                str(_tool("mariadbd")), "--no-defaults", f"--datadir={data}", f"--port={port}",
                "--bind-address=127.0.0.1", f"--socket={base / 'socket'}",
                f"--pid-file={base / 'pid'}", "--skip-name-resolve", "--sql-mode=",
                "--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=0",
                "--character-set-server=utf8mb4",
            ],
            cwd="/", **quiet,
        )  # fmt: skip
        try:
            _wait(process, port, base)
            yield port
        finally:
            process.terminate()
            process.wait(60)
    finally:
        log.close()
        shutil.rmtree(base, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], port: int, base: Path) -> None:
    for _ in range(300):
        with contextlib.suppress(pymysql.Error):
            pymysql.connect(host="127.0.0.1", port=port, user="root").close()
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError(f"MariaDB did not start:\n{(base / 'server.log').read_text()[-2000:]}")
