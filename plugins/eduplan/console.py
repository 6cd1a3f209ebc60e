"""What every command shares: consoles, output formats, listings, settings, who is asking."""

import csv
import getpass
import json
import os
import sys
from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from eduplan.contract import Contract
    from eduplan.settings import Settings

# In a pipe or a log nothing is known of the width: long lines are better than broken words.
out = Console(highlight=False, width=None if sys.stdout.isatty() else 240)
err = Console(stderr=True, highlight=False)


class Format(StrEnum):
    """How a listing is printed."""

    table = "table"
    json = "json"
    csv = "csv"


FormatOption = Annotated[Format, typer.Option("--format", "-f", help="table, json or csv.")]


def settings_of(**changes: Any) -> "Settings":
    """Read the settings; a wrong variable or option is one clear line."""
    import pydantic

    from eduplan.errors import EduplanError
    from eduplan.settings import Settings, load_settings

    try:
        given = {k: v for k, v in changes.items() if v is not None}
        return Settings(**given) if given else load_settings()
    except pydantic.ValidationError as error:
        lines = [
            f"EDUPLAN_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors()
        ]
        raise EduplanError("; ".join(lines), hint="mend the variable or the option") from None


def say(message: str) -> None:
    """Print a note of progress to stderr."""
    err.print(Text.assemble(("· ", "dim"), message))


def show(rows: Sequence[dict[str, Any]], form: Format, empty: str) -> None:
    """Print a listing; JSON and CSV go to stdout with nothing else, numbers as numbers."""
    rows = [{name: plain(value) for name, value in row.items()} for row in rows]
    if form is Format.json:
        sys.stdout.write(json.dumps(rows, ensure_ascii=False, indent=2, default=str) + "\n")
        return
    if form is Format.csv:
        if rows:
            writer = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        return
    if not rows:
        out.print(empty)
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name, value in rows[0].items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(_cell, row.values()))
    out.print(table)


def plain(value: Any) -> Any:
    """Return a number of the warehouse without the zeros of its column type; else the value."""
    if not isinstance(value, Decimal):
        return value
    return int(value) if value == value.to_integral_value() else float(value)


def _cell(value: Any) -> str:
    """Return the text of one cell of a table; JSON and CSV keep all digits."""
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".")
    return "" if value is None else str(value)


def query(name: str, day: str | None = None, **values: Any) -> list[dict[str, Any]]:
    """Run the read-only statement ``sql/listing/<name>.sql``; values are parameters.

    Views that count to a day count to ``day`` (ISO), by default to their own.
    """
    from importlib import resources

    import psycopg
    from psycopg.rows import dict_row

    from eduplan import warehouse
    from eduplan.errors import EduplanError
    from eduplan.postgres import ensure_database

    statement = (resources.files("eduplan") / "sql" / "listing" / f"{name}.sql").read_bytes()
    with warehouse.connect(ensure_database(settings_of())) as conn:
        conn.read_only = True
        try:
            if day is not None:
                conn.execute("select set_config('eduplan.today', %s, true)", (day,))
            return conn.cursor(row_factory=dict_row).execute(statement, values).fetchall()
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            raise EduplanError(
                "the warehouse has not been built yet", hint="run `eduplan build`"
            ) from None


def contract_named(settings: "Settings", dataset: str) -> "Contract":
    """Return the contract of ``dataset``; a wrong name is a usage error."""
    from eduplan.contract import load_contracts

    contracts = load_contracts(settings.expectations_dir)
    if dataset not in contracts:
        raise typer.BadParameter(f"{dataset} is none of: {', '.join(sorted(contracts))}")
    return contracts[dataset]


def actor(given: str | None) -> str:
    """Return who decides: ``--by``, EDUPLAN_USER, else the name of the operating system's user."""
    return given or os.environ.get("EDUPLAN_USER") or getpass.getuser()


ByOption = Annotated[
    str | None, typer.Option("--by", help="Who decides; default: EDUPLAN_USER or your login.")
]
WhyOption = Annotated[str, typer.Option("--why", help="Reason, kept with the decision.")]
