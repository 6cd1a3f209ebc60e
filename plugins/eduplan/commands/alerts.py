"""``eduplan alerts …``: what somebody must know of."""

import datetime as dt
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eduplan.console import (
    ByOption,
    Format,
    FormatOption,
    WhyOption,
    actor,
    out,
    plain,
    query,
    settings_of,
    show,
)

if TYPE_CHECKING:
    import psycopg

    from eduplan.quality.alerts.engine import Event

app = typer.Typer(
    help="What somebody must know of: list, ack, snooze, resolve.", no_args_is_help=True
)

IdsArgument = Annotated[list[int], typer.Argument(help="Alerts, see `eduplan alerts list`.")]
STATES = ("alive", "open", "acknowledged", "snoozed", "recovered", "resolved", "all")


@app.callback()
def _group() -> None:
    """What somebody must know of: list, ack, snooze, resolve."""


@app.command("list")
def list_alerts(
    state: Annotated[
        str, typer.Option("--status", help=f"{', '.join(STATES)}; alive: not closed.")
    ] = "alive",
    kind: Annotated[str | None, typer.Option(help="Only this kind, e.g. batch_held.")] = None,
    severity: Annotated[str | None, typer.Option(help="critical, warning or info.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Only this dataset.")] = None,
    form: FormatOption = Format.table,
) -> None:
    """Alerts, gravest first."""
    if state not in STATES:
        raise typer.BadParameter(f"one of {', '.join(STATES)}", param_hint="--status")
    rows = query("alerts", status=state, kind=kind, severity=severity, dataset=dataset)
    if form is Format.table:
        rows = [{name: row[name] for name in list(row)[:5]} for row in rows]
    show(rows, form, "没有告警。No alert.")


@app.command("show")
def show_alert(
    alert_id: Annotated[int, typer.Argument(help="An alert, see `eduplan alerts list`.")],
    form: FormatOption = Format.table,
) -> None:
    """One alert: what is wrong, what to do, and everything that happened to it."""
    from eduplan.errors import EduplanError

    if form is Format.csv:
        raise typer.BadParameter("an alert is table or json", param_hint="--format")
    found = query("alert", id=alert_id)
    if not found:
        raise EduplanError(f"there is no alert {alert_id}", hint="see `eduplan alerts list`")
    history = query("alert_history", id=alert_id)
    if form is Format.json:
        body = {name: plain(value) for name, value in found[0].items()}
        body["history"] = [{k: plain(v) for k, v in row.items()} for row in history]
        sys.stdout.write(json.dumps(body, ensure_ascii=False, indent=2, default=str) + "\n")
        return
    for name, value in found[0].items():
        if value not in (None, ""):
            text = str(plain(value)).replace("\n", "\n" + " " * 17)
            out.print(f"{name:<16} {text}", markup=False)
    out.print()
    show(history, form, "")


@app.command()
def ack(ids: IdsArgument, why: WhyOption = "", by: ByOption = None) -> None:
    """Say that you are on it: it is told again only if it worsens."""
    from eduplan.quality.alerts import engine

    with _warehouse() as conn:
        _tell(engine.acknowledge(conn, ids, actor(by), why, _now()))


@app.command()
def snooze(
    ids: IdsArgument,
    until: Annotated[
        dt.datetime | None,
        typer.Option(help="Local time.", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"]),
    ] = None,
    days: Annotated[float | None, typer.Option(min=0.01, help="Instead of --until.")] = None,
    why: WhyOption = "",
    by: ByOption = None,
) -> None:
    """Keep silent for a while unless it becomes graver; told again when the time is over."""
    from eduplan.quality.alerts import engine

    if (until is None) == (days is None):
        raise typer.BadParameter("give either --until or --days")
    now = _now()
    end = until.astimezone() if until is not None else now + dt.timedelta(days=days or 0)
    with _warehouse() as conn:
        _tell(engine.snooze(conn, ids, end, actor(by), why, now))


@app.command()
def resolve(ids: IdsArgument, why: WhyOption, by: ByOption = None) -> None:
    """Close alerts; what goes on comes back only when it worsens, or after it was gone."""
    from eduplan.quality.alerts import engine

    with _warehouse() as conn:
        _tell(engine.resolve(conn, ids, actor(by), why, _now()))


@app.command()
def update(form: FormatOption = Format.table) -> None:
    """Judge every condition now, as the DAG quality_watch does; list what changed."""
    from eduplan.contract import load_contracts
    from eduplan.errors import EduplanError
    from eduplan.quality.alerts import engine
    from eduplan.quality.clock import today_of

    settings = settings_of()
    contracts = load_contracts(settings.expectations_dir)
    with _warehouse() as conn:
        done = engine.refresh(conn, contracts, settings.plan_version, today_of(settings), _now())
    _tell(done.events, form)
    if done.unjudged:
        reasons = "; ".join(f"{kind}: {why}" for kind, why in done.unjudged.items())
        raise EduplanError(
            f"some kinds of alerts could not be judged: {reasons}",
            hint="build the warehouse with `eduplan build`; the other kinds are up to date",
        )


@app.command()
def send() -> None:
    """Send what is due by the routes of alerts.yaml, as the DAG quality_watch does."""
    from eduplan.quality.alerts.deliver import deliver

    with _warehouse() as conn:
        out.print(str(deliver(settings_of(), conn, _now())), markup=False)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@contextmanager
def _warehouse() -> "Iterator[psycopg.Connection[Any]]":
    from eduplan import warehouse
    from eduplan.postgres import ensure_database

    with warehouse.connect(ensure_database(settings_of())) as conn:
        yield conn


def _tell(events: "Sequence[Event]", form: Format = Format.table) -> None:
    rows = [
        {"id": e.alert_id, "event": e.event, "severity": e.severity, "kind": e.kind,
         "title": e.title}
        for e in events
    ]  # fmt: skip
    show(rows, form, "没有变化。Nothing changed.")
