"""What a delivered file really is, before anything of it is believed."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

from eduplan.errors import LandingError

HEAD = 1 << 18
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
WORKBOOK_MAGIC = (b"PK", _OLE)
_WORKBOOK = (".xlsx", ".xlsm", ".xls", ".xlsb", ".et")
_TEXT = (".csv", ".txt", ".tsv")


@dataclass(frozen=True)
class Limits:
    """Bounds of a workbook, checked before it is opened (sizes in bytes, uncompressed)."""

    entries: int = 10_000
    total: int = 1 << 30
    ratio: int = 200
    ratio_from: int = 32 << 20
    """The ratio counts from this uncompressed size on: small sheets may compress very well."""


LIMITS = Limits()


def sniff(head: bytes, name: str) -> str:
    """Return ``csv``, ``zip`` or ``ole`` by the first bytes of a file delivered as ``name``.

    Raises LandingError: LND-001 empty, LND-009 UTF-16, LND-010 NUL bytes, LND-013 no workbook,
    LND-015 HTML named .xls, LND-021 unsupported.
    """
    suffix = Path(name).suffix.lower()
    if not head.strip(b"\xef\xbb\xbf \t\r\n\0"):
        raise LandingError(
            "LND-001",
            f"{name}：文件是空的。 The file is empty.",
            hint="请重新导出并报送 / export it again",
        )
    if head.startswith(b"PK"):
        return "zip"
    if head.startswith(_OLE):
        return "ole"
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:512].lower()
    if start.startswith((b"<html", b"<!doctype", b"<table", b"<?xml", b"<meta", b"<head")):
        raise LandingError(
            "LND-015",
            f"{name}：内容是网页（HTML/XML），不是 Excel 工作簿。"
            " This is a web page, not a workbook.",
            hint="请用 Excel 打开后另存为 .xlsx 再报送 / open it in Excel, save as .xlsx",
        )
    if suffix in _WORKBOOK:
        raise broken_workbook(name, "文件头不对")
    if suffix not in _TEXT:
        raise LandingError(
            "LND-021",
            f"{name}：不支持的文件类型「{suffix}」。 Unsupported file type.",
            hint="请报送 .csv 或 .xlsx 文件 / send .csv or .xlsx",
        )
    _refuse_utf16(head, name)
    return "csv"


def check_workbook(path: Path, name: str, kind: str, limits: Limits = LIMITS) -> str:
    """Return ``xlsx`` or ``xls`` when the ``zip`` or ``ole`` file at ``path`` may be opened.

    Raises LandingError: LND-013 corrupt, LND-014 password, LND-016 limits, LND-021 no workbook.
    """
    return _zip(path, name, limits) if kind == "zip" else _ole(path, name)


def _refuse_utf16(head: bytes, name: str) -> None:
    nuls = head.count(0)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or 5 * nuls > len(head):
        raise LandingError(
            "LND-009",
            f"{name}：文件是 UTF-16（Unicode 文本）编码。 The file is UTF-16.",
            hint="请另存为“CSV UTF-8”或 GB18030 编码 / save it as CSV UTF-8",
        )
    if nuls:
        raise nul_bytes(name, head.count(b"\n", 0, head.index(0)) + 1)


def nul_bytes(name: str, line: int) -> LandingError:
    """Build LND-010 for the physical ``line`` (1-based) that holds a NUL byte."""
    return LandingError(
        "LND-010",
        f"{name}:{line}：第 {line} 行含有空字节（NUL），文件已损坏。 NUL byte in line {line}.",
        hint="请重新导出，不要用断点续传的残缺文件 / export it again",
    )


def broken_workbook(name: str, detail: str = "") -> LandingError:
    """Build LND-013: the workbook is truncated or corrupt."""
    return LandingError(
        "LND-013",
        f"{name}：工作簿损坏或不完整，打不开{f'（{detail}）' if detail else ''}。"
        " The workbook is truncated or corrupt.",
        hint="请用 Excel 打开确认后重新保存、重新报送 / open it in Excel, save and send again",
    )


def locked_workbook(name: str) -> LandingError:
    """Build LND-014: the workbook is protected by a password."""
    return LandingError(
        "LND-014",
        f"{name}：工作簿设有打开密码。 The workbook is protected by a password.",
        hint="请取消密码后重新报送 / remove the password and send again",
    )


def _bomb(name: str, zh: str, en: str) -> LandingError:
    return LandingError(
        "LND-016",
        f"{name}：工作簿解压后超出限制（{zh}），未打开。 Over the limits ({en}), not opened.",
        hint="请删去空白行列和图片，或分县报送 / remove blank rows and pictures, or split it",
    )


def _zip(path: Path, name: str, limits: Limits) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_sizes(entries, name, limits)
            names = {entry.filename for entry in entries}
            if any(entry.flag_bits & 1 for entry in entries):
                raise locked_workbook(name)
            if not names & {"xl/workbook.xml", "xl/workbook.bin"}:
                raise LandingError(
                    "LND-021",
                    f"{name}：是压缩包而不是 Excel 工作簿。 A zip archive, not a workbook.",
                    hint="请解压后报送其中的文件 / unpack it and send the files",
                )
            # A directory may lie about sizes; what is big enough to hurt is read once, and a
            # member longer than it claims fails its checksum.
            for entry in entries:
                if entry.compress_size * 1100 > limits.total:
                    with archive.open(entry) as member:
                        while member.read(HEAD):
                            pass
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise broken_workbook(name, type(error).__name__) from None
    except Exception as error:
        if isinstance(error, LandingError):
            raise
        raise broken_workbook(name, type(error).__name__) from None
    return "xlsx"


def _check_sizes(entries: list[zipfile.ZipInfo], name: str, limits: Limits) -> None:
    total = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if len(entries) > limits.entries:
        raise _bomb(name, f"{len(entries)} 个部件", f"{len(entries)} members")
    if total > limits.total:
        raise _bomb(name, f"{total >> 20} MB", f"{total >> 20} MB unpacked")
    if total > limits.ratio_from and total > limits.ratio * max(packed, 1):
        raise _bomb(name, f"压缩比 {total // max(packed, 1)}", f"ratio {total // max(packed, 1)}")


def _ole(path: Path, name: str) -> str:
    content = path.read_bytes() if path.stat().st_size < (64 << 20) else b""
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise locked_workbook(name)
    if not any(stream.encode("utf-16-le") in content for stream in ("Workbook", "Book")):
        raise broken_workbook(name, "OLE")
    return "xls"
