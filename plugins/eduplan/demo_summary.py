"""What the demo prints at its end: scorecard, what was caught, open alerts, where to look."""

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from rich.console import Console
from rich.table import Table
from rich.text import Text

from eduplan import warehouse
from eduplan.airflow.rest import Login
from eduplan.contract import Contract
from eduplan.quality.pages import CAUGHT, SEVERITY
from eduplan.settings import Settings

_STYLE = {"critical": "red", "warning": "yellow", "info": "dim"}
_MOST_ALERTS = 20


def scorecard(settings: Settings, url: str, console: Console) -> None:
    """Print the plan scorecard."""
    from eduplan.report import read_scorecard
    from eduplan.scorecard import render_terminal

    with warehouse.connect(url) as conn:
        render_terminal(read_scorecard(conn, settings), console)


def quality(url: str, contracts: Mapping[str, Contract], console: Console) -> None:
    """Print what was caught, source by source, and the alerts that are open."""
    with psycopg.connect(url, row_factory=dict_row) as conn:
        caught = conn.execute(_statement("caught")).fetchall()
        alerts = conn.execute(_statement("open_alerts")).fetchall()
    console.print("\n查出的问题 defects caught", style="bold")
    console.print(caught_table(caught, contracts))
    console.print(f"\n未关闭的告警 open alerts: {len(alerts)}", style="bold")
    console.print(_alert_table(alerts[:_MOST_ALERTS]))
    if len(alerts) > _MOST_ALERTS:
        console.print(f"另有 {len(alerts) - _MOST_ALERTS} 条：eduplan alerts list", style="dim")


def _statement(name: str) -> bytes:
    return (resources.files("eduplan") / "sql" / "listing" / f"{name}.sql").read_bytes()


def caught_table(caught: Sequence[Mapping[str, Any]], contracts: Mapping[str, Contract]) -> Table:
    """Return the defects caught by source system, with a line of sums."""
    sums: dict[str, dict[str, int]] = {}
    for row in caught:
        contract = contracts.get(row["dataset"])
        system = contract.system if contract else row["dataset"]
        found = sums.setdefault(system, dict.fromkeys(CAUGHT, 0))
        for name in CAUGHT:
            found[name] += row[name]
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("来源 source", no_wrap=True)
    for title in CAUGHT.values():
        table.add_column(title, justify="right", no_wrap=True)
    for system, counts in sorted(sums.items()):
        table.add_row(system, *(f"{n:,}" if n else "" for n in counts.values()))
    total = [sum(counts[name] for counts in sums.values()) for name in CAUGHT]
    table.add_row("合计", *(f"{n:,}" for n in total), style="bold")
    return table


def _alert_table(alerts: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("", "类型 kind", "内容"):
        table.add_column(name, overflow="fold")
    for alert in alerts:
        severity = alert["severity"]
        table.add_row(Text(SEVERITY[severity], _STYLE[severity]), alert["kind"], alert["title"])
    return table


def places(settings: Settings, login: Login, waiting: int, console: Console) -> None:
    """Print where things are: pages, Airflow and its login, what waits for a person."""
    from eduplan.report import scorecard_path

    found: list[tuple[str, str | Path]] = [
        ("scorecard", scorecard_path(settings)),
        ("its pages", settings.site_dir / "index.html"),
        ("quality page", settings.report_dir / "quality.html"),
        ("defect reports", settings.outbox_dir),
        ("Airflow", login.url),
        ("login", f"{login.user}, password in {login.password_file}"),
        ("for BI tools", "read-only URLs: `eduplan access show`, `eduplan access dsn NAME`"),
    ]
    if waiting:
        found.append(
            (
                "your decision",
                f"{waiting} held batch(es): Airflow, Browse, Required Actions; or `eduplan review`",
            )
        )
    found.append(("stop", "make down"))
    _pairs([(name, str(place)) for name, place in found], console)


def times(phases: Sequence[tuple[str, float]], console: Console) -> None:
    """Print how long each phase took, in seconds."""
    _pairs([(name, f"{seconds:.0f} s") for name, seconds in phases], console)


def _pairs(rows: Sequence[tuple[str, str]], console: Console) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print()
    console.print(table)
