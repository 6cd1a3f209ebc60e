"""Copy the deliveries of an SFTP or S3 folder to this machine; what is local stays.

A file arrives whole under its name or not at all. SFTP shows files while they are written: one
that changed within the last seconds is looked at again, and left for the next run if it still
grows. Names come from outside: links and names that would leave the mirror are refused.
"""

import asyncio
import base64
import contextlib
import errno
import fcntl
import io
import json
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any, Protocol

from eduplan import archive
from eduplan.connections import Connection
from eduplan.contract import Contract
from eduplan.errors import EduplanError, SourceError
from eduplan.extract.discover import matching

log = logging.getLogger(__name__)

STATE = ".mirror.json"
_SETTLE_SECONDS = 5.0
_TIMEOUT = 30
_LONGEST_NAME = 240
"""Bytes; a file system allows 255, and a name in the making is a little longer."""


@dataclass(frozen=True)
class Entry:
    """A name in a remote folder; ``stamp`` differs when the content does, ``modified`` is the
    time of the last change (seconds) where a file may be seen half written."""

    name: str
    is_folder: bool
    size: int = 0
    stamp: str = ""
    modified: float | None = None


@dataclass
class Mirrored:
    """What one call did, as paths below the folder: ``waiting`` are still being written."""

    copied: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class _Server(Protocol):
    where: str

    def list(self, folder: str) -> list[Entry | str]:
        """Entries of a folder; a bare text is a name that is not read (a link, a device)."""

    def look(self, path: str) -> Entry | None:
        """Return the file as it is now; None when it is gone."""

    def blocks(self, path: str, entry: Entry) -> Iterator[bytes]:
        """Yield the bytes of a file."""


def mirror(
    contract: Contract, connection: Connection, mirror_dir: Path, period: str | None
) -> Mirrored:
    """Copy what is new or changed and matches the contract's path from the server of ``connection``
    to ``mirror_dir``, keeping paths; only ``period`` if it is given.

    Raises SourceError when the server cannot be reached, is not the one it should be, refuses the
    login or breaks off; what was copied before stays and is not copied again.
    """
    archive.make_private(mirror_dir)
    done = Mirrored()
    with _alone(mirror_dir), _open(contract, connection) as server:
        state = _State.read(mirror_dir, server.where)
        try:
            _copy_all(contract, server, mirror_dir, period, state, done)
        finally:
            state.write()
    for path in done.waiting:
        log.warning("%s: %s is still being written; left for the next run", server.where, path)
    for path in done.refused:
        log.warning("%s: %r is refused: links and unsafe names are not read", server.where, path)
    return done


@contextlib.contextmanager
def _alone(mirror_dir: Path) -> Iterator[None]:
    """Wait until no other process copies to the folder; a lock ends with its process."""
    folder = os.open(mirror_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _copy_all(
    contract: Contract,
    server: _Server,
    mirror_dir: Path,
    period: str | None,
    state: "_State",
    done: Mirrored,
) -> None:
    seen: dict[str, Entry] = {}

    def listing(folder: str) -> list[tuple[str, bool]]:
        found = []
        for entry in server.list(folder):
            name = entry if isinstance(entry, str) else entry.name
            path = f"{folder}/{name}" if folder else name
            if isinstance(entry, str) or _hostile(name):
                done.refused.append(path)
                continue
            seen[path] = entry
            found.append((name, entry.is_folder))
        return found

    fresh: list[str] = []
    now = time.time()
    for path, _ in matching(contract, listing, period):
        entry, local = seen[path], mirror_dir / path
        if state.files.get(path) == entry.stamp and _has_size(local, entry.size):
            done.unchanged.append(path)
        elif entry.modified is not None and now - entry.modified < _SETTLE_SECONDS:
            fresh.append(path)
        else:
            _copy(server, path, entry, local, state, done)
    if fresh:
        time.sleep(max(0.0, now + _SETTLE_SECONDS - time.time()))
    for path in fresh:
        if server.look(path) == seen[path]:
            _copy(server, path, seen[path], mirror_dir / path, state, done)
        else:
            done.waiting.append(path)


def _copy(
    server: _Server, path: str, entry: Entry, local: Path, state: "_State", done: Mirrored
) -> None:
    local.parent.mkdir(parents=True, exist_ok=True)
    partial = local.with_name(f".{local.name}.part")
    partial.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        with os.fdopen(os.open(partial, flags, 0o600), "wb") as target:
            for block in server.blocks(path, entry):
                target.write(block)
            size = target.tell()
        if size != entry.size or server.look(path) != entry:
            done.waiting.append(path)
            return
        if entry.modified is not None:  # says when it was sent, in the register of who is late
            os.utime(partial, (entry.modified, entry.modified))
        partial.replace(local)
    finally:
        partial.unlink(missing_ok=True)
    state.files[path] = entry.stamp
    done.copied.append(path)


def _hostile(name: str) -> bool:
    return (
        name in ("", ".", "..")
        or any(character in name for character in "/\\\0")
        or len(os.fsencode(name)) > _LONGEST_NAME
    )


def _has_size(local: Path, size: int) -> bool:
    try:
        return local.stat(follow_symlinks=False).st_size == size
    except FileNotFoundError:
        return False


@dataclass
class _State:
    """Stamps of the copied files, in a small JSON file beside them."""

    path: Path
    source: str
    files: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, mirror_dir: Path, source: str) -> "_State":
        state = cls(mirror_dir / STATE, source)
        with contextlib.suppress(FileNotFoundError, ValueError):
            kept = json.loads(state.path.read_text("utf-8"))
            if kept.get("source") == source:
                state.files = dict(kept["files"])
        return state

    def write(self) -> None:
        partial = self.path.with_suffix(".part")
        text = json.dumps({"source": self.source, "files": self.files}, ensure_ascii=False)
        partial.write_text(text, "utf-8")
        partial.replace(self.path)


@contextlib.contextmanager
def _open(contract: Contract, connection: Connection) -> Iterator[_Server]:
    if contract.source.server == "s3":
        with _s3(connection) as bucket:
            yield bucket
    else:
        with _sftp(connection) as folder:
            yield folder


def _lost(where: str, error: BaseException) -> SourceError:
    return SourceError(
        f"{where}: the connection was lost or timed out ({type(error).__name__})",
        hint="run it again; what was copied whole is kept. If it happens again, ask who runs it",
        transient=True,
    )


def _no_login(where: str, conn_id: str) -> SourceError:
    return SourceError(
        f"{where}: the server refuses the login",
        hint=f"correct login, password or key of the connection {conn_id!r}",
    )


def _no_folder(where: str, conn_id: str) -> SourceError:
    return SourceError(
        f"{where}: there is no such folder, or it may not be read",
        hint=f"correct the schema (folder or bucket) of the connection {conn_id!r}, or its rights",
    )


# -- SFTP ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def _sftp(connection: Connection) -> Iterator["_Sftp"]:
    import paramiko

    where = f"sftp://{connection.host}:{connection.port or 22}/{connection.schema}"
    server = None
    try:
        server = _Sftp(connection, where)
        yield server
    except EduplanError:
        raise
    except paramiko.AuthenticationException:
        raise _no_login(where, connection.conn_id) from None
    except UnicodeDecodeError:
        raise SourceError(
            f"{where}: a file name in this folder is not UTF-8",
            hint="ask the sender to rename it, or to switch the server to UTF-8",
        ) from None
    finally:
        if server is not None:
            server.close()


class _Sftp:
    """A folder of an SSH server, through fsspec and paramiko."""

    def __init__(self, connection: Connection, where: str) -> None:
        self.where, self.connection = where, connection
        self.root = connection.schema or "."
        with self._telling():
            self.fs = _filesystem(connection, where)
        try:
            with self._telling():
                self.fs.ftp.get_channel().settimeout(_TIMEOUT)
                if not S_ISDIR(self.fs.ftp.stat(self.root).st_mode or 0):
                    raise FileNotFoundError(self.root)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self.fs.client.close()

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """Turn what the network does into a SourceError; never quote what may hold a secret."""
        import paramiko

        try:
            yield
        except (SourceError, paramiko.AuthenticationException):
            raise
        except (FileNotFoundError, PermissionError):
            raise _no_folder(self.where, self.connection.conn_id) from None
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise _lost(self.where, error) from None

    def _path(self, path: str) -> str:
        return f"{self.root.rstrip('/')}/{path}" if path else self.root

    def list(self, folder: str) -> list[Entry | str]:
        with self._telling():
            found = self.fs.ftp.listdir_attr(self._path(folder))
        return [self._entry(item.filename, item) or item.filename for item in found]

    def _entry(self, name: str, found: Any) -> Entry | None:
        mode = found.st_mode or 0
        if S_ISDIR(mode):
            return Entry(name, is_folder=True)
        if not S_ISREG(mode):
            return None
        return Entry(
            name, False, found.st_size, f"{found.st_size}:{found.st_mtime}", found.st_mtime
        )

    def look(self, path: str) -> Entry | None:
        with self._telling():
            try:
                found = self.fs.ftp.lstat(self._path(path))
            except FileNotFoundError:
                return None
        return self._entry(path.rpartition("/")[2], found)

    def blocks(self, path: str, entry: Entry) -> Iterator[bytes]:
        with self._telling():
            source = self.fs.open(self._path(path), "rb")
        with source:
            while True:
                with self._telling():
                    block = source.read(archive.BLOCK)
                if not block:
                    return
                yield block


def _filesystem(connection: Connection, where: str) -> Any:
    """Return fsspec's SFTP file system, logged in to a host whose key is known."""
    import paramiko
    from fsspec.implementations.sftp import SFTPFileSystem

    port = connection.port or 22
    name = connection.host if port == 22 else f"[{connection.host}]:{port}"

    class Refuse(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
        def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:
            raise _unknown_key(connection, where, key)

    class KnownHosts(SFTPFileSystem):  # type: ignore[misc]
        @classmethod
        def _strip_protocol(cls, path: str) -> str:
            return path  # a name may have # or ? in it

        def _connect(self) -> None:
            self.client = paramiko.SSHClient()
            self.client.set_missing_host_key_policy(Refuse())
            try:
                _known_keys(self.client, connection, name)
                self.client.connect(self.host, **self.ssh_kwargs)
                self.ftp = self.client.open_sftp()
            except paramiko.BadHostKeyException as error:
                self.client.close()
                raise _unknown_key(connection, where, error.key) from None
            except BaseException:
                self.client.close()
                raise

    return KnownHosts(
        connection.host,
        port=port,
        username=connection.login,
        password=connection.password or None,
        pkey=_private_key(connection),
        allow_agent=False,
        look_for_keys=False,
        timeout=_TIMEOUT,
        banner_timeout=_TIMEOUT,
        auth_timeout=_TIMEOUT,
        skip_instance_cache=True,
    )


def _known_keys(client: Any, connection: Connection, name: str) -> None:
    """Give the client the host keys of the connection: ``host_key`` or a ``known_hosts`` file."""
    import paramiko

    try:
        if line := str(connection.extra.get("host_key") or "").strip():
            entry = paramiko.hostkeys.HostKeyEntry.from_line(f"{name} {line}")
            if entry is None or entry.key is None:
                raise ValueError
            client.get_host_keys().add(name, entry.key.get_name(), entry.key)
        if known := connection.extra.get("known_hosts"):
            client.load_host_keys(str(known))
    except (ValueError, OSError, paramiko.SSHException, paramiko.hostkeys.InvalidHostKey):
        raise SourceError(
            f"connection {connection.conn_id!r}: its host_key or known_hosts cannot be read",
            hint='host_key is written "ssh-ed25519 AAAA…", known_hosts is the path of a file',
        ) from None


def _unknown_key(connection: Connection, where: str, key: Any) -> SourceError:
    shown = f"{key.get_name()} {base64.b64encode(key.asbytes()).decode()}"
    return SourceError(
        f"{where}: the server's host key is not the known one ({key.get_name()} {key.fingerprint})",
        hint="ask who runs the server for its fingerprint by another way; only if it is this one,"
        f' add to the extra of the connection {connection.conn_id!r}: "host_key": "{shown}"',
    )


def _private_key(connection: Connection) -> Any:
    import paramiko

    text = connection.extra.get("private_key")
    if not text:
        return None
    phrase = connection.extra.get("private_key_passphrase") or None
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        with contextlib.suppress(paramiko.SSHException, ValueError, IndexError):
            return kind.from_private_key(io.StringIO(str(text)), phrase)
    raise SourceError(
        f"connection {connection.conn_id!r}: its private_key cannot be read",
        hint="put the whole text of an OpenSSH key (ed25519, ecdsa or rsa) into private_key of"
        " its extra, the passphrase into private_key_passphrase",
    )


# -- S3 -----------------------------------------------------------------------------------------


@contextlib.contextmanager
def _s3(connection: Connection) -> Iterator["_S3"]:
    """Open a bucket in an event loop of our own, which ends with it: tasks fork and end."""
    import s3fs

    extra = connection.extra
    endpoint = extra.get("endpoint_url")
    if not endpoint and connection.host:
        port = f":{connection.port}" if connection.port else ""
        endpoint = f"{extra.get('scheme') or 'https'}://{connection.host}{port}"
    bucket = connection.schema.strip("/")
    where = f"s3://{bucket}" + (f" at {endpoint}" if endpoint else "")
    config: dict[str, Any] = {
        "connect_timeout": _TIMEOUT,
        "read_timeout": _TIMEOUT,
        "retries": {"max_attempts": 2},
    }
    if extra.get("addressing_style"):
        config["s3"] = {"addressing_style": extra["addressing_style"]}
    with asyncio.Runner() as runner:
        fs = s3fs.S3FileSystem(
            key=connection.login or None,
            secret=connection.password or None,
            endpoint_url=endpoint,
            client_kwargs={"region_name": extra.get("region_name") or "us-east-1"},
            config_kwargs=config,
            asynchronous=True,
            loop=runner.get_loop(),
            use_listings_cache=False,
            skip_instance_cache=True,
        )
        server = _S3(connection, where, bucket, fs, runner)
        try:
            yield server
        finally:
            server.close()


class _Changed(Exception):
    """The object is another one by now."""


class _S3:
    """A bucket, or a folder in one. Objects appear whole, so nothing has to settle."""

    def __init__(
        self, connection: Connection, where: str, root: str, fs: Any, runner: "asyncio.Runner"
    ) -> None:
        self.connection, self.where, self.root = connection, where, root
        self.fs, self.runner = fs, runner
        self.client: Any = None
        self.whole: Entry | None = None
        """The object read last, once all of it was."""

    def _run(self, call: Any) -> Any:
        import botocore.exceptions as refused
        from aiohttp import ClientError

        try:
            if self.client is None:
                self.client = self.runner.run(self.fs.set_session())
            return self.runner.run(call)
        except PermissionError:
            raise _no_login(self.where, self.connection.conn_id) from None
        except FileNotFoundError:
            # A bucket that is not there, or an object that was there when it was listed.
            raise _no_folder(self.where, self.connection.conn_id) from None
        except refused.NoCredentialsError:
            raise _no_login(self.where, self.connection.conn_id) from None
        except (refused.BotoCoreError, refused.ClientError, ClientError, OSError) as error:
            if isinstance(error, OSError) and error.errno == errno.EINVAL:
                raise _Changed from None  # how s3fs spells 412 Precondition Failed
            raise _lost(self.where, error) from None
        finally:
            call.close()  # a call that was never awaited must not warn

    def close(self) -> None:
        if self.client is not None:
            self.runner.run(self.client.close())

    def list(self, folder: str) -> list[Entry | str]:
        path = f"{self.root}/{folder}" if folder else self.root
        entries: list[Entry | str] = []
        for found in self._run(self.fs._lsdir(path)):
            name = found["name"][len(path) + 1 :]
            if found["type"] == "directory":
                entries.append(Entry(name, is_folder=True))
            elif name:  # else the marker of the folder itself
                entries.append(Entry(name, False, found["size"], found["ETag"]))
        return entries

    def look(self, path: str) -> Entry | None:
        """Return what `blocks` read: it was bound to the ETag, and nothing is asked again."""
        return self.whole

    def blocks(self, path: str, entry: Entry) -> Iterator[bytes]:
        bucket, _, key = f"{self.root}/{path}".partition("/")
        self.whole = None
        try:
            answer = self._run(
                self.fs._call_s3("get_object", Bucket=bucket, Key=key, IfMatch=entry.stamp)
            )
        except _Changed:
            return
        with contextlib.closing(answer["Body"]) as body:
            while block := self._run(body.read(archive.BLOCK)):
                yield block
        self.whole = entry
