"""A folder of exported files: it appears whole or not at all, and is replaced only by its like."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eduplan.errors import EduplanError

MANIFEST = "datapackage.json"
"""Written last; lists every other file of the folder."""


@contextmanager
def export_folder(target: Path) -> Iterator[Path]:
    """Yield a new folder to write to; without an error it becomes ``target``.

    An export that is there already is replaced. A killed export leaves a hidden folder beside
    ``target``, which the next one removes. Raises EduplanError where ``target`` holds anything
    that no export wrote, and where it cannot be written.
    """
    target = target.absolute()
    part, old = (target.with_name(f".{target.name}.{state}") for state in ("part", "old"))
    with writing(target):
        _refuse_strangers(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        for left in (part, old):
            shutil.rmtree(left, ignore_errors=True)
        part.mkdir()
        try:
            yield part
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        if target.exists():
            target.rename(old)
        part.rename(target)
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def export_file(target: Path) -> Iterator[Path]:
    """Yield a path to write one file to; without an error it becomes ``target``."""
    target = target.absolute()
    part = target.with_name(f".{target.name}.part")
    with writing(target):
        if target.is_dir():
            raise IsADirectoryError(0, "is a folder", str(target))
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield part
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Say an error of the file system as one about ``target``."""
    try:
        yield
    except OSError as error:
        raise EduplanError(
            f"cannot write {target}: {error.strerror or error}",
            hint="name a place with --out that you may write to and that has room",
        ) from None


def _refuse_strangers(target: Path) -> None:
    if not target.exists():
        return
    present = {entry.name for entry in os.scandir(target)}
    try:
        manifest = json.loads((target / MANIFEST).read_text("utf-8"))
        ours = {resource["path"] for resource in manifest["resources"]} | {MANIFEST}
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        ours = set()
    strangers = sorted(present - ours)
    if strangers:
        raise EduplanError(
            f"{target} holds files that no export wrote: {', '.join(strangers[:3])}",
            hint="name a new folder with --out",
        )
