"""Delivered bytes are kept for good, addressed by their SHA-256, readable by the owner only."""

import contextlib
import hashlib
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

BLOCK = 1 << 18
_STALE_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Kept:
    """One kept file: its SHA-256 (hex), its size in bytes and where it is."""

    sha256: str
    size: int
    path: Path


def place(archive_dir: Path, sha256: str) -> Path:
    """Return where bytes with this SHA-256 (hex) are, or would be, kept."""
    return archive_dir / sha256[:2] / sha256


class Keeper:
    """Keeps a stream while it passes by: ``write`` each block, then ``finish``.

    The file appears under its hash by an atomic rename, or not at all; leaving the ``with`` block
    without ``finish`` leaves nothing behind.
    """

    def __init__(self, archive_dir: Path) -> None:
        make_private(archive_dir)
        self._dir = archive_dir
        self._hash = hashlib.sha256()
        self._size = 0
        self._partial = archive_dir / f".partial-{os.getpid()}-{secrets.token_hex(6)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        self._fd = os.open(self._partial, flags, 0o600)

    def __enter__(self) -> "Keeper":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._partial.unlink(missing_ok=True)

    def write(self, block: bytes) -> None:
        """Hash and keep ``block``."""
        self._hash.update(block)
        view = memoryview(block)
        while view:
            view = view[os.write(self._fd, view) :]
        self._size += len(block)

    def finish(self) -> Kept:
        """Make the kept bytes durable under their hash; return where they are."""
        sha256 = self._hash.hexdigest()
        target = place(self._dir, sha256)
        if not _is_kept(target, self._size):
            os.fdatasync(self._fd)
            make_private(target.parent)
            self._partial.replace(target)
        return Kept(sha256, self._size, target)


def keep(source: Path, archive_dir: Path) -> Kept:
    """Keep the bytes of ``source`` (never through a symbolic link) and return where they are."""
    fd = os.open(source, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(fd, "rb", buffering=0) as handle, Keeper(archive_dir) as keeper:
        while block := handle.read(BLOCK):
            keeper.write(block)
        return keeper.finish()


def sweep(archive_dir: Path) -> None:
    """Remove what killed runs left half kept, once it is a day old."""
    if not archive_dir.is_dir():
        return
    for partial in archive_dir.glob(".partial-*"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - partial.stat().st_mtime > _STALE_SECONDS:
                partial.unlink()


def sha256_of(path: Path) -> str:
    """Return the SHA-256 (hex) of a file's bytes; memory does not grow with the file."""
    with path.open("rb", buffering=0) as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _is_kept(target: Path, size: int) -> bool:
    try:
        return target.stat(follow_symlinks=False).st_size == size
    except FileNotFoundError:
        return False


def make_private(folder: Path) -> None:
    """Make ``folder`` if need be, open to its owner only."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        folder.chmod(0o700)
