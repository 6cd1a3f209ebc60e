"""``eduplan defects …``: what each sender has to mend, as workbooks."""

from typing import Annotated

import typer

from eduplan.console import Format, FormatOption, out, query, settings_of, show

app = typer.Typer(help="Workbooks that tell each sender what to mend.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Workbooks that tell each sender what to mend."""


@app.command("write")
def write_reports() -> None:
    """Write a workbook for each sender whose defects changed; send those with an address."""
    from eduplan import warehouse
    from eduplan.contract import load_contracts
    from eduplan.postgres import ensure_database
    from eduplan.quality import defects
    from eduplan.quality.clock import today_of

    settings = settings_of()
    contracts = load_contracts(settings.expectations_dir)
    with warehouse.connect(ensure_database(settings)) as conn:
        done = defects.write(conn, contracts, settings, today_of(settings))
    out.print(str(done))
    out.print(f"workbooks: {settings.outbox_dir}", style="dim")
    if done.failed:
        raise SystemExit(1)


@app.command("list")
def list_reports(
    sender: Annotated[str | None, typer.Option(help="Only this sender's code.")] = None,
    form: FormatOption = Format.table,
) -> None:
    """Who has been told how many defects; paths are below the outbox."""
    rows = query("defects", sender=sender, is_masked=not settings_of().secure_channel)
    show(rows, form, "No sender has a defect report.")
