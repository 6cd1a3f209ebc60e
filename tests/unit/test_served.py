"""Files for a browser are found inside their folder only."""

from pathlib import Path

import pytest

from eduplan import served


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "home" / "site"
    (made / "en").mkdir(parents=True)
    (made / "empty").mkdir()
    (made / ".hidden").mkdir()
    for name in ("index.html", "en/index.html", "指标 一.html", "A.PNG", "note.txt", "app.js",
                 ".index.html", ".hidden/a.html", "no_suffix"):  # fmt: skip
        (made / name).write_text(name)
    (made.parent / "secret.html").write_text("secret")
    (made / "out.html").symlink_to(made.parent / "secret.html")
    (made / "up").symlink_to(made.parent)
    (made / "in.html").symlink_to(made / "en" / "index.html")
    (made / "loop.html").symlink_to(made / "loop.html")
    return made


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("", "index.html"), ("index.html", "index.html"), ("en/", "en/index.html"),
        ("en/index.html", "en/index.html"), ("指标 一.html", "指标 一.html"),
        ("A.PNG", "A.PNG"), ("in.html", "en/index.html"),
    ],
)  # fmt: skip
def test_what_is_there(folder: Path, path: str, found: str) -> None:
    assert served.find(folder, path) == folder / found


@pytest.mark.parametrize(
    "path",
    [
        "../secret.html", "en/../../secret.html", "en/../index.html", "./index.html", "/index.html",
        "//secret.html", "en//index.html", "out.html", "up/secret.html",
        "loop.html", "index.html\0", "index.html\0.css", "..\\secret.html", "C:index.html",
        "note.txt", "app.js", ".index.html", ".hidden/a.html", "no_suffix", "en", "empty/",
        "nowhere.html", "a" * 300 + ".html", "a/" * 300, "index.html/", "index.html/x.html",
    ],
)  # fmt: skip
def test_what_is_not(folder: Path, path: str) -> None:
    assert served.find(folder, path) is None


def test_an_absolute_path_is_no_path(folder: Path) -> None:
    assert served.find(folder, str(folder.parent / "secret.html")) is None


def test_the_folder_may_itself_be_a_link_or_missing(folder: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(folder)
    assert served.find(link, "") == folder / "index.html"
    assert served.find(tmp_path / "never", "") is None


def test_other_kinds_are_found_only_where_they_are_asked_for(folder: Path) -> None:
    assert served.find(folder, "note.txt", {".txt": "text/plain"}) == folder / "note.txt"
    assert served.find(folder, "index.html", {".txt": "text/plain"}) is None
