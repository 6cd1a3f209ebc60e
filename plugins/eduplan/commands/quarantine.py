"""``eduplan quarantine …``: rows kept out of the warehouse, and their way back in."""

from typing import Annotated

import typer

from eduplan.console import Format, FormatOption, err, query, show

app = typer.Typer(help="Rows kept out of the warehouse.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Rows kept out of the warehouse."""


@app.command("list")
def list_rows(
    dataset: Annotated[str | None, typer.Option(help="Only this dataset.")] = None,
    period: Annotated[str | None, typer.Option(help="Only this period.")] = None,
    batch: Annotated[int | None, typer.Option(help="Only this batch.")] = None,
    rule: Annotated[str | None, typer.Option(help="Only rows that failed this rule.")] = None,
    state: Annotated[
        str, typer.Option("--status", help="open, fixed, released, waived, rejected.")
    ] = "open",
    limit: Annotated[int, typer.Option(min=1, help="At most so many rows.")] = 50,
    form: FormatOption = Format.table,
) -> None:
    """Rows in quarantine: where they stand in their file and why; never their values."""
    rows = query(
        "quarantine", dataset=dataset, period=period, batch=batch, rule=rule, status=state,
        limit=limit,
    )  # fmt: skip
    total = rows[0]["total"] if rows else 0
    for row in rows:
        del row["total"]
    show(rows, form, "No row in quarantine.")
    if len(rows) < total:
        err.print(f"{len(rows)} of {total:,} rows; --limit shows more", style="dim")
