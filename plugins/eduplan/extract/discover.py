"""Which files of the source root are a delivery of a dataset, and for which period."""

import contextlib
import datetime as dt
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import translate
from pathlib import Path
from types import MappingProxyType

from eduplan.archive import sha256_of
from eduplan.contract import FULL_PERIOD, Contract, is_period
from eduplan.errors import LandingError


@dataclass(frozen=True)
class Delivery:
    """Files of one dataset for one period, sorted by path.

    ``content_hash`` depends on the bytes alone (not on names or order), so that the same bytes
    sent again are known as such. ``root`` is what ``ops.batch_file.path`` is relative to.
    ``pull_id`` names the reading of an API or a database that wrote the files.
    """

    dataset: str
    period: str
    files: tuple[Path, ...]
    content_hash: str
    root: Path | None = None
    pull_id: int | None = None

    def name(self, file: Path) -> str:
        """Return what ``ops.batch_file.path`` calls a file."""
        return file_name(file, self.root)

    def times(self) -> dict[str, dt.datetime]:
        """Map each file's name to when its sender last saved it; a reading's files have no time."""
        found = {}
        for file in self.files if self.pull_id is None else ():
            with contextlib.suppress(OSError):  # gone since: its bytes are kept all the same
                saved = file.stat(follow_symlinks=False).st_mtime
                found[self.name(file)] = dt.datetime.fromtimestamp(saved, dt.UTC)
        return found


def file_name(file: Path, root: Path | None) -> str:
    """Return the path of ``file`` below ``root``, its bare name when it lies elsewhere."""
    if root is not None and file.is_relative_to(root):
        return str(file.relative_to(root))
    return file.name


def discover(
    contract: Contract,
    source_root: Path,
    paths: Sequence[Path] = (),
    period: str | None = None,
    known: Mapping[tuple[str, str], str] = MappingProxyType({}),
) -> list[Delivery]:
    """List the deliveries of ``contract``, sorted by period.

    Without ``paths`` the contract's glob is looked up under ``source_root``. With ``paths`` these
    files (or the deliverable files of these folders) are taken, wherever they are. ``period``
    restricts the former and names the latter's period where their path does not tell it.
    Of the files that nobody named, those are left out whose SHA-256 ``known`` has under (period,
    name); a delivery without any file left is none.
    Symbolic links and files or folders that begin with ``.``, ``_`` or ``~$`` are never deliveries.

    Raises LandingError LND-020 when no period can be told or it is malformed, LND-021 when a
    path named on purpose is missing or unsafe. A period outside the contract's range is left to
    ``land``, which keeps the bytes and records the refusal; only folders of years before the
    first one are passed over when nobody named them (forms share their folders).
    """
    if period is not None and not is_period(contract.period_kind, period):
        raise _bad_period(contract, period)
    found: dict[str, list[Path]] = {}
    if paths:
        for path in paths:
            for file in _named(path):
                told = _period_of(contract, file)
                found.setdefault(_choose(contract, file, told, period), []).append(file)
    else:
        for file, told in _globbed(contract, source_root, period):
            found.setdefault(told, []).append(file)
    deliveries = []
    for told, files in sorted(found.items()):
        digests = {file: sha256_of(file) for file in sorted(files)}
        if not paths:
            for file, digest in list(digests.items()):
                if known.get((told, file_name(file, source_root))) == digest:
                    del digests[file]
        if digests:
            combined = combined_hash(digests.values())
            deliveries.append(
                Delivery(contract.dataset, told, tuple(digests), combined, source_root)
            )
    return deliveries


def content_hash(files: Iterable[Path]) -> str:
    """Return one SHA-256 (hex) for a set of files, whatever their names and order."""
    return combined_hash(sha256_of(file) for file in files)


def combined_hash(digests: Iterable[str]) -> str:
    """Return one SHA-256 (hex) for the SHA-256 (hex) of several files, whatever their order."""
    return hashlib.sha256("".join(sorted(set(digests))).encode()).hexdigest()


def _before(contract: Contract, period: str) -> bool:
    return contract.period_kind != "none" and period < contract.period_range[0]


def _bad_period(contract: Contract, period: str) -> LandingError:
    if contract.period_kind == "none":
        hint = "本数据集不分期间，请去掉 --period / its files have no period: leave --period out"
    elif contract.period_kind == "school_year":
        hint = "学年写作 2025-2026 / write a school year as 2025-2026"
    else:
        hint = "年度写作 2025 / write a year as 2025"
    return LandingError(
        "LND-020",
        f"期间「{period}」不是 {contract.dataset} 的期间。 {period!r} is not a period of"
        f" {contract.dataset} ({contract.period_kind}).",
        hint=hint,
    )


def _choose(contract: Contract, file: Path, told: str | None, period: str | None) -> str:
    if contract.period_kind == "none":
        return FULL_PERIOD
    chosen = period or told
    if chosen is None:
        raise LandingError(
            "LND-020",
            f"{file.name}：从路径看不出期间。 The path does not tell the period.",
            hint="请用 --period 指明期间 / name it with --period",
        )
    return chosen


def _unsafe(name: str) -> bool:
    return name.startswith((".", "_", "~$"))


def _named(path: Path) -> list[Path]:
    if path.is_symlink() or _unsafe(path.name):
        raise LandingError(
            "LND-021",
            f"{path.name}：不读取符号链接、隐藏文件或以 _ 开头的文件。 Links, hidden files and"
            " _-prefixed files are never read.",
            hint="请把文件复制为普通文件后再报送 / copy it to an ordinary file",
        )
    if path.is_dir():
        return [file for file in sorted(path.iterdir()) if _deliverable(file)]
    if not path.is_file():
        raise LandingError(
            "LND-021",
            f"{path}：没有这个文件，或不是普通文件。 No such regular file.",
            hint="请检查路径 / check the path",
        )
    return [path]


def _deliverable(file: Path) -> bool:
    return not _unsafe(file.name) and not file.is_symlink() and file.is_file()


def _patterns(contract: Contract) -> list[re.Pattern[str]]:
    """Compile the contract's glob, one pattern per folder level; {period} becomes a group."""
    parts = contract.source.path.split("/")
    if contract.source.path.startswith("/") or ".." in parts:
        raise LandingError(
            "LND-021",
            f"{contract.dataset}: the source path {contract.source.path!r} leaves the source root",
            hint="write it relative to the source root, without ..",
        )
    compiled = []
    for part in parts:
        pieces = [translate(piece)[4:-3] for piece in part.split("{period}")]
        compiled.append(re.compile("(?P<period>[^/]+?)".join(pieces) + r"\Z"))
    return compiled


Listing = Callable[[str], Iterable[tuple[str, bool]]]
"""The entries of a folder, a path below the root ('' is the root): name, whether a folder."""


def matching(
    contract: Contract, listing: Listing, period: str | None = None
) -> list[tuple[str, str]]:
    """Return (path below the root, period) of the files that the contract's glob asks for.

    Folders of other periods than ``period``, or of years before the contract's first, are not
    looked into.
    """
    level: list[tuple[str, str | None]] = [("", None)]
    patterns = _patterns(contract)
    for depth, pattern in enumerate(patterns):
        following: list[tuple[str, str | None]] = []
        for folder, told in level:
            for name, is_folder in sorted(listing(folder)):
                match = pattern.match(name)
                if match is None or _unsafe(name) or is_folder == (depth == len(patterns) - 1):
                    continue
                here = match.groupdict().get("period")
                if here is not None and not _wanted(contract, here, period):
                    continue
                following.append((f"{folder}/{name}" if folder else name, here or told))
        level = following
    if contract.period_kind == "none":
        return [(file, FULL_PERIOD) for file, _ in level]
    return [(file, told) for file, told in level if told is not None]


def _wanted(contract: Contract, told: str, period: str | None) -> bool:
    if period is not None:
        return told == period
    return is_period(contract.period_kind, told) and not _before(contract, told)


def _globbed(contract: Contract, root: Path, period: str | None) -> list[tuple[Path, str]]:
    def listing(folder: str) -> list[tuple[str, bool]]:
        place = root / folder
        return [
            (entry.name, entry.is_dir())
            for entry in (place.iterdir() if place.is_dir() else ())
            if not entry.is_symlink() and (entry.is_dir() or entry.is_file())
        ]

    return [(root / file, told) for file, told in matching(contract, listing, period)]


def _period_of(contract: Contract, file: Path) -> str | None:
    """Read the period from the end of a path that follows the contract's pattern."""
    patterns = _patterns(contract)
    told = None
    for pattern, name in zip(reversed(patterns), reversed(file.absolute().parts), strict=False):
        match = pattern.match(name)
        if match is None:
            return None
        told = match.groupdict().get("period") or told
    return told if told is not None and is_period(contract.period_kind, told) else None
