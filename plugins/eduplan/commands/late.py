"""``eduplan late …``: who has reported what, and who is late."""

import datetime as dt
from typing import Annotated, Any

import typer

from eduplan.console import Format, FormatOption, err, query, settings_of, show

app = typer.Typer(
    help="Who has reported what for which period, and who is late.", no_args_is_help=True
)

DatasetOption = Annotated[str | None, typer.Option(help="Only this dataset.")]
PeriodOption = Annotated[str | None, typer.Option(help="Only this period.")]
CountyOption = Annotated[str | None, typer.Option(help="Only this county: its code or name.")]
DayOption = Annotated[
    dt.datetime | None,
    typer.Option("--on", formats=["%Y-%m-%d"], help="Counted to this day; default: today."),
]
_STATES = ("late", "missing", "on_time", "not_due")


@app.callback()
def _group() -> None:
    """Who has reported what for which period, and who is late."""


@app.command("list")
def list_late(
    dataset: DatasetOption = None,
    period: PeriodOption = None,
    county: CountyOption = None,
    unit: Annotated[str | None, typer.Option(help="Only this school or county code.")] = None,
    status: Annotated[
        str | None, typer.Option(help="late, missing, on_time, not_due; default: late or missing.")
    ] = None,
    day: DayOption = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    form: FormatOption = Format.table,
) -> None:
    """Schools, counties and offices that are late or have not sent, the longest first."""
    if status is not None and status not in _STATES:
        raise typer.BadParameter(f"{status} is none of: {', '.join(_STATES)}")
    rows = _read(
        "late", day, dataset=dataset, period=period, county=county, unit=unit, status=status,
        limit=limit,
    )  # fmt: skip
    total = rows[0]["total"] if rows else 0
    for row in rows:
        del row["total"]
    show(rows, form, "Nobody is late.")
    if len(rows) < total:
        err.print(f"{len(rows)} of {total:,}; --limit shows more", style="dim")


@app.command("coverage")
def coverage(
    dataset: DatasetOption = None,
    period: PeriodOption = None,
    county: CountyOption = None,
    day: DayOption = None,
    form: FormatOption = Format.table,
) -> None:
    """How much of what is due has come; with --dataset by county, else for the whole city."""
    rows = _read("coverage", day, dataset=dataset, period=period, county=county)
    show(rows, form, "Nothing is due.")


def _read(name: str, day: dt.datetime | None, **values: Any) -> list[dict[str, Any]]:
    from eduplan.quality.clock import today_of

    on = day.date() if day else today_of(settings_of())
    return query(name, day=on.isoformat(), **values)
