"""What counts as a delivery, and of which period."""

from pathlib import Path

import pytest

from eduplan import archive
from eduplan.errors import LandingError
from eduplan.extract.discover import discover
from tests.landing_support import contract


def put(root: Path, name: str, content: bytes = b"x") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_deliveries_by_period_sorted_and_safe(tmp_path: Path) -> None:
    put(tmp_path, "学籍/2025-2026/b_学生.csv")
    put(tmp_path, "学籍/2025-2026/a_学生.xlsx", b"y")
    put(tmp_path, "学籍/2024-2025/a_学生.csv", b"z")
    put(tmp_path, "学籍/2019-2020/a_学生.csv", b"before the contract")
    put(tmp_path, "学籍/2024-2026/a_学生.csv", b"no school year")
    for name in ("_x_学生.csv", ".x_学生.csv", "~$x_学生.xlsx", "别的.csv"):
        put(tmp_path, f"学籍/2025-2026/{name}")
    put(tmp_path, "学籍/_2025-2026/a_学生.csv")
    (tmp_path / "学籍/2023-2024").symlink_to(tmp_path / "学籍/2025-2026")
    found = discover(contract(), tmp_path)
    assert [(d.period, [f.name for f in d.files]) for d in found] == [
        ("2024-2025", ["a_学生.csv"]),
        ("2025-2026", ["a_学生.xlsx", "b_学生.csv"]),
    ]
    assert [d.period for d in discover(contract(), tmp_path, period="2024-2025")] == ["2024-2025"]


def test_content_hash_is_of_bytes_alone(tmp_path: Path) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    put(one, "学籍/2025-2026/a_学生.csv", b"1")
    put(one, "学籍/2025-2026/b_学生.csv", b"2")
    put(two, "学籍/2025-2026/c_学生.csv", b"2")
    put(two, "学籍/2025-2026/d_学生.csv", b"1")
    assert discover(contract(), one)[0].content_hash == discover(contract(), two)[0].content_hash
    put(two, "学籍/2025-2026/d_学生.csv", b"3")
    assert discover(contract(), one)[0].content_hash != discover(contract(), two)[0].content_hash


def test_named_files(tmp_path: Path) -> None:
    told = put(tmp_path, "elsewhere/学籍/2025-2026/a_学生.csv")
    plain = put(tmp_path, "plain.csv")
    assert [d.period for d in discover(contract(), tmp_path, [told])] == ["2025-2026"]
    (delivery,) = discover(contract(), tmp_path, [plain], "2024-2025")
    assert (delivery.period, delivery.files) == ("2024-2025", (plain,))
    for paths, period, code in (
        ([plain], None, "LND-020"),
        ([plain], "2024", "LND-020"),
        ([tmp_path / "none.csv"], "2024-2025", "LND-021"),
        ([put(tmp_path, "_hidden.csv")], "2024-2025", "LND-021"),
    ):
        with pytest.raises(LandingError) as error:
            discover(contract(), tmp_path, paths, period)
        assert error.value.code == code
    link = tmp_path / "link.csv"
    link.symlink_to(plain)
    with pytest.raises(LandingError) as error:
        discover(contract(), tmp_path, [link], "2024-2025")
    assert error.value.code == "LND-021"


@pytest.mark.parametrize("path", ["../{period}/*.csv", "/etc/{period}/*.csv", "a/../{period}/x"])
def test_a_contract_cannot_leave_the_source_root(tmp_path: Path, path: str) -> None:
    with pytest.raises(LandingError) as error:
        discover(contract(path=path), tmp_path)
    assert error.value.code == "LND-021"


def test_archive_keeps_bytes_privately_once(tmp_path: Path) -> None:
    source = put(tmp_path, "a", b"bytes")
    kept = archive.keep(source, tmp_path / "archive")
    assert kept.path.read_bytes() == b"bytes" and kept.size == 5
    assert kept.path.stat().st_mode & 0o777 == 0o600
    assert kept.path.parent.stat().st_mode & 0o777 == 0o700
    assert archive.keep(source, tmp_path / "archive") == kept
    with pytest.raises(ValueError), archive.Keeper(tmp_path / "archive") as keeper:
        keeper.write(b"half")
        raise ValueError
    assert [p for p in (tmp_path / "archive").rglob("*") if p.is_file()] == [kept.path]
    link = tmp_path / "link"
    link.symlink_to(source)
    with pytest.raises(OSError):
        archive.keep(link, tmp_path / "archive")
