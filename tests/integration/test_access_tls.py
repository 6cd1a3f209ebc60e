"""A server as docs/access.md describes it: TLS, `hostssl` and SCRAM, tried with a reader's login.

The embedded server is built without TLS and listens on loopback only: this one is the system's.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import trustme

from eduplan.access.logins import Group, Login
from eduplan.access.roles import set_login
from eduplan.postgres import free_port

CONF = """
ssl = on
ssl_cert_file = 'server.crt'
ssl_key_file = 'server.key'
ssl_min_protocol_version = 'TLSv1.3'
password_encryption = 'scram-sha-256'
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
"""
HBA = """
# the owner, on this machine
host       all  postgres  127.0.0.1/32  scram-sha-256
# readers, from anywhere, over TLS only
hostssl    all  all       all           scram-sha-256
hostnossl  all  all       all           reject
"""
OWNER_PASSWORD = "of the owner"  # noqa: S105
PASSWORD = "of a reader: ü密"  # noqa: S105


def _binaries() -> Path | None:
    """The newest PostgreSQL that the system has."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    return found[-1].parent if found else None


@dataclass(frozen=True)
class Secured:
    """The server's port and two authorities, ours and a stranger's."""

    port: int
    authority: Path
    stranger: Path
    password: str = PASSWORD

    def connect(self, host: str = "localhost", **options: str) -> psycopg.Connection:
        """Connect as the reader."""
        return psycopg.connect(
            host=host, hostaddr="127.0.0.1", port=self.port, dbname="postgres", user="tls_reader",
            password=self.password, connect_timeout=10, **options,
        )  # fmt: skip

    def owner(self) -> psycopg.Connection:
        """Connect as the owner, on the machine itself."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, dbname="postgres", user="postgres",
            password=OWNER_PASSWORD, autocommit=True,
        )  # fmt: skip


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    binaries = _binaries()
    if binaries is None:
        pytest.skip("the system has no PostgreSQL server with TLS: apt-get install postgresql")
    pems = tmp_path_factory.mktemp("tls")
    base = Path(tempfile.mkdtemp(prefix="eduplan-tls-"))
    runner: dict[str, Any] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses root, and nobody cannot enter pytest's folders
        user = pwd.getpwnam("nobody")
        runner = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    data, port = base / "data", free_port()

    def pg(tool: str, *args: str) -> None:
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
        subprocess.run(  # noqa: S603
            [str(binaries / tool), "-D", str(data), *args],
            check=True, cwd="/", start_new_session=True, **quiet, **runner,
        )  # fmt: skip

    (base / "password").write_text(OWNER_PASSWORD)
    own(base, runner)
    pg("initdb", "-U", "postgres", "-A", "scram-sha-256", "--pwfile", str(base / "password"), "-N")
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(str(pems / "ca.pem"))
    stranger.cert_pem.write_to_path(str(pems / "stranger.pem"))
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(str(data / "server.key"))
    certificate.cert_chain_pems[0].write_to_path(str(data / "server.crt"))
    (data / "server.key").chmod(0o600)
    (data / "pg_hba.conf").write_text(HBA)
    with (data / "postgresql.conf").open("a") as handle:
        handle.write(CONF)
    own(base, runner)
    pg("pg_ctl", "-l", str(base / "log"), "-w", "-o", f"-p {port}", "start")
    try:
        found = Secured(port, pems / "ca.pem", pems / "stranger.pem")
        with found.owner() as conn:
            conn.execute("create role tls_reader nologin")
            group = Group("tls_bi", "bi")
            set_login(conn, Login("reader", "tls_reader", group, 5, None, "30s"), PASSWORD)
        yield found
    finally:
        pg("pg_ctl", "-m", "immediate", "-w", "stop")
        shutil.rmtree(base, ignore_errors=True)


def own(base: Path, runner: dict[str, Any]) -> None:
    """Give all files to the user who runs the server."""
    for path in (base, *base.rglob("*")) if runner else ():
        os.chown(path, runner["user"], runner["group"])


def test_a_reader_connects_over_tls_and_knows_the_server(secured: Secured) -> None:
    """`verify-full`: the chain and the name of the server are checked."""
    with secured.connect(sslmode="verify-full", sslrootcert=str(secured.authority)) as conn:
        row = conn.execute(
            "select ssl, version, current_user from pg_stat_ssl where pid = pg_backend_pid()"
        ).fetchone()
        assert row == (True, "TLSv1.3", "tls_reader")


def test_plain_text_is_refused(secured: Secured) -> None:
    with pytest.raises(psycopg.OperationalError, match="pg_hba.conf rejects connection"):
        secured.connect(sslmode="disable")


def test_a_server_of_another_authority_is_refused(secured: Secured) -> None:
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        secured.connect(sslmode="verify-full", sslrootcert=str(secured.stranger))


def test_a_server_with_another_name_is_refused(secured: Secured) -> None:
    """The certificate is for `localhost`: who shows it under another name is found out."""
    with pytest.raises(psycopg.OperationalError, match="does not match host name"):
        secured.connect(
            "warehouse.example.cn", sslmode="verify-full", sslrootcert=str(secured.authority)
        )


def test_a_wrong_password_is_refused_and_the_right_one_is_not_kept(secured: Secured) -> None:
    """What the server keeps is a SCRAM verifier, made before it left for the server."""
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        replace(secured, password="wrong").connect(  # noqa: S106
            sslmode="verify-full", sslrootcert=str(secured.authority)
        )
    with secured.owner() as conn:
        row = conn.execute(
            "select rolpassword from pg_authid where rolname = 'tls_reader'"
        ).fetchone()
    assert row is not None
    assert row[0].startswith("SCRAM-SHA-256$4096:")
    assert PASSWORD not in row[0]
