"""The documents agree with the project: links, commands, landing codes, settings, dependencies."""

import re
import tomllib
from pathlib import Path

import pytest
import typer

from eduplan.cli import app
from eduplan.settings import Settings
from scripts import performance_table

PROJECT = Path(__file__).resolve().parents[2]
PAGES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])


def ids(path: Path) -> str:
    return str(path.relative_to(PROJECT))


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_pages_name_no_machine(page: Path) -> None:
    text = page.read_text("utf-8")
    assert not re.search(r"/(home|root|work|Users)/", text)


def test_commands_in_the_documents_exist() -> None:
    command = typer.main.get_command(app)
    known = set(command.commands)  # type: ignore[attr-defined]
    for page in PAGES:
        for name in re.findall(r"^eduplan ([a-z]+)", page.read_text("utf-8"), re.M):
            assert name in known, (page.name, name)
    verbs = set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text("utf-8"), re.M))
    for page in PAGES:
        for name in re.findall(r"`make ([a-z]+)`", page.read_text("utf-8")):
            assert name in verbs, (page.name, name)


def test_every_landing_code_has_its_section_in_the_runbook() -> None:
    runbook = (PROJECT / "docs" / "runbook.md").read_text("utf-8")
    used = {
        code
        for path in (PROJECT / "plugins" / "eduplan").rglob("*.py")
        for code in re.findall(r"LND-\d{3}", path.read_text("utf-8"))
    }
    assert used
    assert sorted(c for c in used if f"\n### {c} " not in runbook) == []


def test_settings_in_the_runbook_exist() -> None:
    runbook = (PROJECT / "docs" / "runbook.md").read_text("utf-8")
    named = set(re.findall(r"^\| `EDUPLAN_([A-Z_]+)`", runbook, re.M))
    fields = {name.upper() for name in Settings.model_fields}
    assert named - fields <= {"AIRFLOW_DATABASE_URL"}


def test_every_direct_dependency_is_explained() -> None:
    page = (PROJECT / "docs" / "dependencies.md").read_text("utf-8")
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
    wanted = list(project["project"]["dependencies"])
    for group in project["project"]["optional-dependencies"].values():
        wanted += group
    names = {re.split(r"[<>=!\[ ;]", requirement)[0] for requirement in wanted}
    assert sorted(n for n in names if n not in page) == []


def test_both_readmes_show_the_same_commands() -> None:
    blocks = [
        [
            re.sub(r"\s+#.*", "", line)
            for block in re.findall(r"```bash\n(.*?)```", page.read_text("utf-8"), re.S)
            for line in block.splitlines()
        ]
        for page in (PROJECT / "README.md", PROJECT / "README.zh-CN.md")
    ]
    assert blocks[0] == blocks[1]


def test_performance_table() -> None:
    text = performance_table.table(
        [
            {"name": "a", "what": "land", "ratio": 0.9, "goal": 0.8, "ours_median_s": 10.0,
             "limit_median_s": 9.0, "machine": {"cpus": 2, "python": "3.11"}},
            {"name": "b", "what": "audit", "ratio": 0.5, "goal": 0.625},
            {"name": "c", "what": "workbooks"},
        ]
    )  # fmt: skip
    assert "| land | 10.00 s | 9.00 s | 0.90 | 0.80 | met |" in text
    assert "| audit | — | — | 0.50 | 0.62 | missed by 20 % |" in text
    assert "| workbooks | — | — | — | — |  |" in text
    assert "Measured on: 2 CPUs, Python 3.11." in text


def test_performance_table_replaces_only_what_stands_between_the_marks() -> None:
    page = f"before\n{performance_table.BEGIN}\nold\n{performance_table.END}\nafter\n"
    assert performance_table.filled(page, "new") == page.replace("old", "new")
