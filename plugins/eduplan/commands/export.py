"""``eduplan export …``: files for other offices and tools, each with what it means beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eduplan.console import out, settings_of

if TYPE_CHECKING:
    from eduplan.export.snapshot import Snapshot
    from eduplan.settings import Settings

app = typer.Typer(
    help="Files for other offices and tools: tables, a workbook, SDMX.", no_args_is_help=True
)

FolderOption = Annotated[
    Path, typer.Option("--out", help="Folder to write; an export that is there is replaced.")
]
RegionOption = Annotated[
    str | None, typer.Option(help="Only this region: its code or name; a county with its schools.")
]


@app.callback()
def _group() -> None:
    """Files for other offices and tools: tables, a workbook, SDMX."""


@app.command()
def tables(
    to: FolderOption,
    views: Annotated[
        list[str] | None, typer.Argument(help="Views of schema bi, English or Chinese; none: all.")
    ] = None,
    form: Annotated[str, typer.Option("--format", "-f", help="csv or parquet.")] = "csv",
    region: RegionOption = None,
    period: Annotated[str | None, typer.Option(help="Only this period, e.g. 2025-2026.")] = None,
    plan: Annotated[str | None, typer.Option(help="Only this plan version.")] = None,
    bom: Annotated[
        bool, typer.Option("--bom", help="CSV with a byte order mark, for Excel.")
    ] = False,
) -> None:
    """Views as CSV or Parquet files, with a Data Package that says what is in them."""
    from eduplan.export.tables import Filters, Form, export_tables

    if form not in tuple(Form):
        raise typer.BadParameter(f"{form} is none of: {', '.join(Form)}", param_hint="--format")
    with _snapshot() as (settings, snap):
        filters = Filters(
            region=region and snap.region_code(region),
            period=snap.period(period),
            plan=snap.plan(plan),
        )
        files = export_tables(
            snap, settings.project_dir, to, views or [], Form(form), filters, bom=bom
        )
    rows = sum(file.rows for file in files)
    out.print(f"{len(files)} files with {rows:,} rows in {to}", soft_wrap=True)


@app.command()
def workbook(
    to: Annotated[Path, typer.Option("--out", help="Workbook (.xlsx) to write.")],
    region: Annotated[
        str | None, typer.Option(help="Region that reports: code or name; default: the city.")
    ] = None,
    period: Annotated[
        str | None,
        typer.Option(help="Periods that start in the same year as this; default: the latest."),
    ] = None,
    plan: Annotated[str | None, typer.Option(help="Plan version.")] = None,
) -> None:
    """The form that a bureau hands upward: an Excel workbook in Chinese, ready to print."""
    from eduplan.export.workbook import export_workbook

    if to.suffix != ".xlsx":
        raise typer.BadParameter(f"{to.name} does not end in .xlsx", param_hint="--out")
    with _snapshot() as (settings, snap):
        version = snap.plan(plan or settings.plan_version)
        known = snap.period(period)
        count = export_workbook(
            snap,
            to,
            version or settings.plan_version,
            region and snap.region_code(region),
            int(known[:4]) if known else None,
        )
    out.print(f"{count} indicators in {to}", soft_wrap=True)


@app.command()
def sdmx(
    to: FolderOption,
    agency: Annotated[
        str, typer.Option(help="Agency id that our part of the structure is kept under.")
    ] = "EDUPLAN",
) -> None:
    """The indicators as SDMX-CSV 2.0 with an SDMX-JSON structure message."""
    from eduplan.export.sdmx import export_sdmx

    with _snapshot() as (_, snap):
        count = export_sdmx(snap, to, agency)
    out.print(f"{count:,} observations in {to}", soft_wrap=True)


@contextmanager
def _snapshot() -> "Iterator[tuple[Settings, Snapshot]]":
    from eduplan.export.snapshot import snapshot
    from eduplan.quality.clock import today_of

    settings = settings_of()
    with snapshot(settings, today_of(settings)) as snap:
        yield settings, snap
