"""Deliveries on SFTP and S3, copied from real servers on the loopback interface.

SFTP is OpenSSH's sshd with its internal-sftp, as Debian ships it, without root's configuration.
S3 is moto's server over HTTP: an independent implementation of the protocol, not a patched client.
"""

import base64
import contextlib
import fcntl
import itertools
import logging
import multiprocessing
import os
import pwd
import shutil
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import paramiko
import psycopg
import pytest

from eduplan import ingest
from eduplan.connections import Connection
from eduplan.contract import Contract
from eduplan.errors import SourceError
from eduplan.extract import remote
from eduplan.extract.remote import STATE, mirror
from tests.integration.test_ingest_kill import project
from tests.integration.test_school_delivery import HEADER, SCHOOLS
from tests.landing_support import contract as made_contract

PERIOD = "2025-2026"
SSHD = "/usr/sbin/sshd"
BUCKET = "wuzhou"
KEY, SECRET = "clerk", "not-for-the-log"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on {port}")


def contract(server: str) -> Contract:
    made = made_contract(path="名册/{period}/*.csv")
    return replace(made, source=replace(made.source, server=server, connection="files"))


@dataclass
class Site:
    """One remote folder: how to get in, how to put a file there."""

    server: str
    connection: Connection
    put: Callable[[str, bytes], object]
    drop: Callable[[str], object]

    def mirror(self, folder: Path, period: str | None = None) -> remote.Mirrored:
        return mirror(contract(self.server), self.connection, folder, period)


# -- the servers --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sshd:
    port: int
    root: Path
    host_key: str
    private_key: str


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    if not Path(SSHD).is_file():
        pytest.skip(f"OpenSSH's server is not installed ({SSHD})")
    folder = tmp_path_factory.mktemp("sshd")
    for name in ("host", "client"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True
        )
    root = folder / "files"
    root.mkdir()
    port = free_port()
    (folder / "authorized").write_bytes((folder / "client.pub").read_bytes())
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\n"
        f"AuthorizedKeysFile {folder}/authorized\nStrictModes no\nUsePAM no\n"
        f"PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n"
        f"Subsystem sftp internal-sftp -d {root}\nLogLevel ERROR\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([SSHD, "-D", "-e", "-f", folder / "sshd_config"], stderr=log)
    try:
        wait_for_port(port)
        host_key = " ".join((folder / "host.pub").read_text().split()[:2])
        yield Sshd(port, root, host_key, (folder / "client").read_text())
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def sftp(sshd: Sshd) -> Iterator[Site]:
    for left in sshd.root.iterdir():
        shutil.rmtree(left)
    connection = Connection(
        "files", "sftp", "127.0.0.1", sshd.port, pwd.getpwuid(os.geteuid()).pw_name, "",
        str(sshd.root), {"host_key": sshd.host_key, "private_key": sshd.private_key},
    )  # fmt: skip

    # SFTP tells whole seconds: no two files get the same one.
    seconds = itertools.count(int(time.time()) - 3600)

    def put(path: str, content: bytes) -> Path:
        target = sshd.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        old = next(seconds)
        os.utime(target, (old, old))
        return target

    yield Site("sftp", connection, put, lambda path: (sshd.root / path).unlink())


@pytest.fixture(scope="session")
def s3_port() -> Iterator[int]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        yield int(server.get_host_and_port()[1])
    finally:
        server.stop()


@pytest.fixture
def s3(s3_port: int) -> Iterator[Site]:
    import boto3

    url = f"http://127.0.0.1:{s3_port}"
    client = boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
    )  # fmt: skip
    client.create_bucket(Bucket=BUCKET)
    connection = Connection(
        "files", "aws", "127.0.0.1", s3_port, KEY, SECRET, BUCKET, {"scheme": "http"}
    )
    yield Site(
        "s3",
        connection,
        lambda path, content: client.put_object(Bucket=BUCKET, Key=path, Body=content),
        lambda path: client.delete_object(Bucket=BUCKET, Key=path),
    )
    for found in client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        client.delete_object(Bucket=BUCKET, Key=found["Key"])
    client.delete_bucket(Bucket=BUCKET)
    client.close()


@pytest.fixture(params=["sftp", "s3"])
def site(request: pytest.FixtureRequest) -> Site:
    found: Site = request.getfixturevalue(request.param)
    return found


def copied(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != STATE
    }


# -- what is copied -------------------------------------------------------------------------------


def test_new_and_changed_files_are_copied_once(site: Site, tmp_path: Path) -> None:
    first, second = f"名册/{PERIOD}/s1.csv", f"名册/{PERIOD}/附 表#2.csv"
    site.put(first, b"one")
    site.put(second, b"two")
    site.put("名册/2024-2025/s1.csv", b"before")
    site.put(f"名册/{PERIOD}/readme.txt", b"no delivery")
    site.put(f"别的/{PERIOD}/s1.csv", b"no delivery")
    folder = tmp_path / "mirror"
    assert sorted(site.mirror(folder, PERIOD).copied) == [first, second]
    assert site.mirror(folder).copied == ["名册/2024-2025/s1.csv"]
    everything = {first: b"one", second: b"two", "名册/2024-2025/s1.csv": b"before"}
    assert copied(folder) == everything
    again = site.mirror(folder)
    assert (again.copied, len(again.unchanged)) == ([], 3)
    site.put(first, b"one, corrected")
    site.drop(second)
    assert site.mirror(folder).copied == [first]
    assert copied(folder) == everything | {first: b"one, corrected"}


def test_copies_are_private(site: Site, tmp_path: Path) -> None:
    path = f"名册/{PERIOD}/s1.csv"
    site.put(path, b"x")
    site.mirror(tmp_path / "mirror")
    assert stat.S_IMODE((tmp_path / "mirror").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "mirror" / path).stat().st_mode) == 0o600


def test_a_file_lost_from_the_mirror_is_copied_again(site: Site, tmp_path: Path) -> None:
    path = f"名册/{PERIOD}/s1.csv"
    site.put(path, b"x")
    site.mirror(tmp_path)
    (tmp_path / path).write_bytes(b"")
    assert site.mirror(tmp_path).copied == [path]
    (tmp_path / STATE).write_text("{half", "utf-8")
    assert site.mirror(tmp_path).copied == [path]


def test_three_hundred_small_files_are_quick(site: Site, tmp_path: Path) -> None:
    for number in range(300):
        site.put(f"名册/{PERIOD}/{number}.csv", b"x" * number)
    start = time.monotonic()
    assert len(site.mirror(tmp_path).copied) == 300
    assert time.monotonic() - start < 40
    start = time.monotonic()
    assert len(site.mirror(tmp_path).unchanged) == 300
    assert time.monotonic() - start < 10


def test_names_that_leave_the_mirror_are_refused(
    site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site.put(f"名册/{PERIOD}/s1.csv", b"good")
    if site.server == "s3":
        hostile = [f"名册/{PERIOD}/../s2.csv", f"../名册/{PERIOD}/s2.csv", f"/名册/{PERIOD}/s2.csv"]
        for key in hostile:
            site.put(key, b"bad")
        expected = 3
    else:
        root = Path(site.connection.schema)
        secret = tmp_path / "secret.csv"
        secret.write_bytes(b"bad")
        (root / f"名册/{PERIOD}/s2.csv").symlink_to(secret)
        (root / "名册/2024-2025").symlink_to(tmp_path)
        (root / f"名册/{PERIOD}/a\\b.csv").write_bytes(b"bad")
        os.mkfifo(root / f"名册/{PERIOD}/s3.csv")
        expected = 4
    with caplog.at_level(logging.WARNING):
        done = site.mirror(tmp_path / "mirror")
    assert copied(tmp_path / "mirror") == {f"名册/{PERIOD}/s1.csv": b"good"}
    assert len(done.refused) == expected
    assert caplog.text.count("is refused") == expected


# -- files in the making ---------------------------------------------------------------------------


def test_a_growing_file_is_left_for_the_next_run(
    sftp: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    done, growing = f"名册/{PERIOD}/s1.csv", f"名册/{PERIOD}/s2.csv"
    sftp.put(done, b"done")
    target = Path(sftp.connection.schema) / growing
    ended = threading.Event()

    def write() -> None:
        with target.open("wb") as handle:
            while not ended.wait(0.2):
                handle.write(b"more ")
                handle.flush()

    thread = threading.Thread(target=write)
    thread.start()
    time.sleep(0.3)
    try:
        found = sftp.mirror(tmp_path)
    finally:
        ended.set()
        thread.join()
    assert (found.copied, found.waiting) == ([done], [growing])
    assert "still being written" in caplog.text
    # Just written, but at rest: it is looked at twice and taken.
    assert sftp.mirror(tmp_path).copied == [growing]
    assert copied(tmp_path)[growing] == target.read_bytes()


def test_a_file_that_changes_under_the_copy_is_left_out(
    sftp: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"名册/{PERIOD}/s1.csv"
    sftp.put(path, b"0123456789")
    read = remote._Sftp.blocks

    def blocks(self: Any, name: str, entry: remote.Entry) -> Iterator[bytes]:
        yield from read(self, name, entry)
        sftp.put(path, b"9876543210 and more")  # old by its time, but of another size

    monkeypatch.setattr(remote._Sftp, "blocks", blocks)
    assert sftp.mirror(tmp_path).waiting == [path]
    assert copied(tmp_path) == {}


def test_an_object_that_changes_after_the_listing_is_left_out(
    s3: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"名册/{PERIOD}/s1.csv"
    s3.put(path, b"old")
    read = remote._S3.blocks

    def blocks(self: Any, name: str, entry: remote.Entry) -> Iterator[bytes]:
        s3.put(path, b"new")
        yield from read(self, name, entry)

    monkeypatch.setattr(remote._S3, "blocks", blocks)
    assert s3.mirror(tmp_path).waiting == [path]
    assert copied(tmp_path) == {}


def test_two_processes_do_not_copy_to_one_folder_at_once(sftp: Site, tmp_path: Path) -> None:
    path = f"名册/{PERIOD}/s1.csv"
    sftp.put(path, b"x")
    done: list[remote.Mirrored] = []
    second = threading.Thread(target=lambda: done.append(sftp.mirror(tmp_path)))
    first = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(first, fcntl.LOCK_EX)
    second.start()
    second.join(1)
    assert second.is_alive() and copied(tmp_path) == {}
    os.close(first)
    second.join(30)
    assert [run.copied for run in done] == [[path]]


# -- refusals --------------------------------------------------------------------------------------


def refused(site: Site, folder: Path, **changes: Any) -> SourceError:
    site = replace(site, connection=replace(site.connection, **changes))
    with pytest.raises(SourceError) as caught:
        site.mirror(folder)
    text = f"{caught.value} {caught.value.hint}"
    assert SECRET not in text and "PRIVATE KEY" not in text
    return caught.value


def test_an_unknown_host_key_is_refused(sftp: Site, sshd: Sshd, tmp_path: Path) -> None:
    other = paramiko.RSAKey.generate(2048)
    wrong = f"ssh-rsa {base64.b64encode(other.asbytes()).decode()}"
    extra = dict(sftp.connection.extra)
    for host_key in ("", wrong):
        error = refused(sftp, tmp_path, extra=extra | {"host_key": host_key})
        assert "host key is not the known one" in str(error)
        # The hint has the line to add once the fingerprint was compared.
        assert f'"host_key": "{sshd.host_key}"' in error.hint
    assert "cannot be read" in str(refused(sftp, tmp_path, extra=extra | {"host_key": "ssh-rsa x"}))


def test_a_known_hosts_file_will_do(sftp: Site, sshd: Sshd, tmp_path: Path) -> None:
    sftp.put(f"名册/{PERIOD}/s1.csv", b"x")
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{sshd.port} {sshd.host_key}\n")
    extra = {"known_hosts": str(known), "private_key": sshd.private_key}
    site = replace(sftp, connection=replace(sftp.connection, extra=extra))
    assert len(site.mirror(tmp_path / "mirror").copied) == 1


def test_a_wrong_login_is_refused(sftp: Site, tmp_path: Path) -> None:
    extra = {"host_key": sftp.connection.extra["host_key"]}
    error = refused(sftp, tmp_path, password=SECRET, extra=extra)
    assert "refuses the login" in str(error) and "'files'" in error.hint
    broken = extra | {"private_key": "-----BEGIN OPENSSH PRIVATE KEY-----\nx"}
    assert "private_key cannot be read" in str(refused(sftp, tmp_path, extra=broken))


def test_a_missing_folder_is_named(site: Site, tmp_path: Path) -> None:
    assert "no such folder" in str(refused(site, tmp_path, schema="nowhere"))


def test_a_server_that_is_not_there_is_told(site: Site, tmp_path: Path) -> None:
    assert "connection was lost" in str(refused(site, tmp_path, port=free_port()))


@contextlib.contextmanager
def cutting_proxy(port: int, limit: int) -> Iterator[int]:
    """Pass bytes on to ``port`` and cut the line after ``limit`` bytes from the server."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", port))
                threading.Thread(target=pump, args=(near, far, 1 << 60), daemon=True).start()
                threading.Thread(target=pump, args=(far, near, limit), daemon=True).start()

    def pump(source: socket.socket, target: socket.socket, left: int) -> None:
        with contextlib.suppress(OSError):
            while left > 0 and (data := source.recv(min(left, 1 << 16))):
                target.sendall(data)
                left -= len(data)
        for line in (source, target):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def test_a_line_cut_in_mid_file_leaves_no_half_file(site: Site, tmp_path: Path) -> None:
    small, large = f"名册/{PERIOD}/s1.csv", f"名册/{PERIOD}/s2.csv"
    site.put(small, b"small")
    site.put(large, os.urandom(3 << 20))
    port = site.connection.port or 0
    with cutting_proxy(port, 1 << 20) as proxy:
        extra = dict(site.connection.extra)
        error = refused(site, tmp_path, port=proxy, extra=extra)
    assert "connection was lost" in str(error)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] in (
        [STATE, "s1.csv"], ["s1.csv", STATE], [STATE],
    )  # fmt: skip
    done = site.mirror(tmp_path)
    assert large in done.copied and len(copied(tmp_path)[large]) == 3 << 20


# -- in a task, and through the whole path ------------------------------------------------


def _in_child(site: Site, folder: Path, answer: Any) -> None:
    answer.send((site.mirror(folder).copied, [thread.name for thread in threading.enumerate()]))


def test_a_forked_process_can_copy_and_no_thread_stays(site: Site, tmp_path: Path) -> None:
    path = f"名册/{PERIOD}/s1.csv"
    site.put(path, b"x")
    before = {thread.name for thread in threading.enumerate()}
    site.mirror(tmp_path / "parent")
    time.sleep(0.2)
    assert {t.name for t in threading.enumerate() if t.name.startswith("fsspec")} == set()
    assert {t.name for t in threading.enumerate()} <= before | {"MainThread"}
    near, far = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(
        target=_in_child, args=(site, tmp_path / "child", far)
    )
    child.start()
    assert near.poll(30), "the forked process hangs"
    assert near.recv()[0] == [path]
    child.join(10)
    assert child.exitcode == 0


def test_a_dataset_on_a_server_lands_and_replaces_its_schools(
    site: Site, tmp_path: Path, db_url: str, db: psycopg.Connection
) -> None:
    text = SCHOOLS.replace("type: local", f"type: {site.server}").replace(
        "{property: layout, value: table}",
        "{property: connection, value: files}\n      - {property: layout, value: table}",
    )
    settings = project(tmp_path, db_url, text)

    def run() -> list[tuple[str, int]]:
        report = ingest.ingest(settings, "pupils", resolve=lambda conn_id: site.connection)
        return [(result.outcome, result.files) for result in report.landed]

    for school in ("s1", "s2"):
        site.put(f"名册/{PERIOD}/{school}.csv", f"{HEADER}{school}-1,{school},7\n".encode())
    assert run() == [("landed", 2)]
    assert run() == []
    site.put(f"名册/{PERIOD}/s1.csv", f"{HEADER}s1-1,s1,8\n".encode())
    assert run() == [("landed", 1)]
    assert sorted(db.execute("select code, age from raw.pupils").fetchall()) == [
        ("s1-1", "8"), ("s2-1", "7"),
    ]  # fmt: skip
    assert db.execute("select distinct path from ops.batch_file order by 1").fetchall() == [
        (f"名册/{PERIOD}/s1.csv",), (f"名册/{PERIOD}/s2.csv",),
    ]  # fmt: skip
