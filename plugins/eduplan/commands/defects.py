"""``eduplan defects …``: what each sender has to mend, as workbooks."""

import typer

from eduplan.console import Format, FormatOption, query, settings_of, show

app = typer.Typer(help="Workbooks that tell each sender what to mend.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Workbooks that tell each sender what to mend."""


@app.command("write")
def write_reports(form: FormatOption = Format.table) -> None:
    """Write a workbook for each sender with defects not reported yet."""
    from eduplan import warehouse
    from eduplan.contract import load_contracts
    from eduplan.postgres import ensure_database
    from eduplan.quality import defects
    from eduplan.quality.clock import today_of

    settings = settings_of()
    with warehouse.connect(ensure_database(settings)) as conn:
        contracts = load_contracts(settings.expectations_dir)
        report = defects.write(conn, contracts, settings, today_of(settings))
    rows = [
        {"sender": w.sender.code, "name": w.sender.name, "defects": w.defects, "path": str(w.path)}
        for w in report.written
    ]
    show(rows, form, f"Nothing new to report; {report.known} senders know their defects.")


@app.command("list")
def list_reports(form: FormatOption = Format.table) -> None:
    """Workbooks written so far, latest first."""
    show(query("defects"), form, "No defect report was written.")
