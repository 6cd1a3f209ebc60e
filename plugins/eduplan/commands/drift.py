"""``eduplan drift …``: deliveries that differ from their contract."""

from typing import Annotated, Any

import typer

from eduplan.console import Format, FormatOption, out, settings_of, show

app = typer.Typer(help="Columns and codes that differ from the contract.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Columns and codes that differ from the contract."""


def _events(**only: str | None) -> list[dict[str, Any]]:
    from eduplan import warehouse
    from eduplan.contract import load_contracts
    from eduplan.postgres import ensure_database
    from eduplan.quality.drift import events

    settings = settings_of()
    with warehouse.connect(ensure_database(settings)) as conn:
        return events(conn, load_contracts(settings.expectations_dir), **only)


@app.command("list")
def list_events(
    dataset: Annotated[str | None, typer.Option(help="Only this dataset.")] = None,
    period: Annotated[str | None, typer.Option(help="Only this period.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only this kind, e.g. renamed_column.")] = None,
    only_open: Annotated[
        bool, typer.Option("--open", help="Neither accepted by the contract nor past.")
    ] = False,
    form: FormatOption = Format.table,
) -> None:
    """Differences, one line for all files that have the same; newest first."""
    lines: dict[tuple[Any, ...], dict[str, Any]] = {}
    for event in _events(dataset=dataset, period=period, kind=kind):
        if only_open and event["state"] != "open":
            continue
        shared = ("dataset", "period", "kind", "column_name", "value", "related", "state")
        key = tuple(event[name] for name in shared)
        line = lines.setdefault(
            key,
            {
                "id": event["event_id"], **{name: event[name] for name in shared},
                "files": 0, "rows": event["occurrences"], "seen_at": event["seen_at"],
            },
        )  # fmt: skip
        line["files"] += 1
    show(list(lines.values()), form, "Nothing differs from the contracts.")


@app.command("show")
def show_event(event_id: Annotated[int, typer.Argument(help="Number in `drift list`.")]) -> None:
    """One difference, and what to write into the contract if it is right."""
    found = [event for event in _events() if event["event_id"] == event_id]
    if not found:
        raise typer.BadParameter(f"there is no drift event {event_id}; see `eduplan drift list`")
    event = found[0]
    out.print(
        f"{event['kind']} · {event['dataset']} {event['period']} · {event['state']}", markup=False
    )
    out.print(event["detail"], markup=False)
    if event["suggestion"]:
        out.print("\n写入契约 / for the contract:", markup=False)
        out.print(event["suggestion"], markup=False)
    if event["state"] == "accepted":
        out.print(
            "\n契约已包含；重新判定已报送的数据 / judge again what was delivered:"
            f" eduplan quarantine replay {event['dataset']} --why …",
            markup=False,
        )
