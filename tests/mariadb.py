"""A MariaDB of the tests' own: temporary files, loopback only, an unprivileged user."""

import contextlib
import datetime
import ipaddress
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
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from eduplan.postgres import free_port

TOOLS = ("mariadb-install-db", "mariadbd")


def missing_tools() -> list[str]:
    """Return the programs of mariadb-server that are not installed."""
    return [tool for tool in TOOLS if _tool(tool) is None]


def _tool(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "eduplan test")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    return public, private


@contextlib.contextmanager
def server(tls: tuple[Path, Path] | None = None) -> Iterator[int]:
    """Run a server and yield its port; ``root`` has no password and comes in from loopback.

    ``tls``: certificate and key, copied to where the server's user can read them.
    """
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
    secure = []
    for option, file in zip(("cert", "key"), tls or (), strict=False):
        secure.append(f"--ssl-{option}={shutil.copy(file, base)}")
        (base / file.name).chmod(0o644)
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
                "--character-set-server=utf8mb4", *secure,
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
