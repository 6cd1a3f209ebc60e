"""``eduplan quarantine …``: rows kept out of the warehouse, and their way back in."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eduplan.console import (
    ByOption,
    Format,
    FormatOption,
    WhyOption,
    actor,
    contract_named,
    err,
    out,
    query,
    settings_of,
    show,
)

if TYPE_CHECKING:
    import psycopg

    from eduplan.settings import Settings

app = typer.Typer(help="Rows kept out of the warehouse.", no_args_is_help=True)

IdsArgument = Annotated[list[int], typer.Argument(help="Ids of rows, see `list`.")]
DatasetArgument = Annotated[str, typer.Argument(help="Dataset.")]
PeriodOption = Annotated[str | None, typer.Option(help="Only this period.")]
RuleOption = Annotated[str | None, typer.Option(help="Only rows that failed this rule.")]


@app.callback()
def _group() -> None:
    """Rows kept out of the warehouse."""


@app.command("list")
def list_rows(
    dataset: Annotated[str | None, typer.Option(help="Only this dataset.")] = None,
    period: PeriodOption = None,
    batch: Annotated[int | None, typer.Option(help="Only this batch.")] = None,
    rule: RuleOption = None,
    state: Annotated[
        str, typer.Option("--status", help="open, fixed, released, waived, rejected or any.")
    ] = "open",
    limit: Annotated[int, typer.Option(min=1, help="At most so many rows.")] = 50,
    form: FormatOption = Format.table,
) -> None:
    """Rows in quarantine: where they stand in their file and why; never their values."""
    rows = query(
        "quarantine", dataset=dataset, period=period, batch=batch, rule=rule,
        status=None if state == "any" else state, limit=limit,
    )  # fmt: skip
    total = rows[0]["total"] if rows else 0
    for row in rows:
        del row["total"]
    show(rows, form, "No row in quarantine.")
    if len(rows) < total:
        err.print(f"{len(rows)} of {total:,} rows; --limit shows more", style="dim")


@app.command()
def history(
    row: Annotated[int, typer.Argument(help="Id of the row.")], form: FormatOption = Format.table
) -> None:
    """Everything that was done to one row, by whom and why."""
    show(query("quarantine_history", id=row), form, "Nothing was done to this row.")


@app.command()
def export(
    dataset: DatasetArgument,
    to: Annotated[Path, typer.Option("--out", help="Workbook (.xlsx) to write.")],
    period: PeriodOption = None,
    rule: RuleOption = None,
    ids: Annotated[list[int] | None, typer.Option("--id", help="Only these rows.")] = None,
) -> None:
    """Write open rows to an Excel workbook, to be corrected and imported."""
    from eduplan.quality import workbook

    settings = settings_of()
    contract = contract_named(settings, dataset)
    with _warehouse(settings) as conn:
        count = workbook.write(
            conn, contract, to, secure=settings.secure_channel, period=period, rule=rule,
            ids=ids or None,
        )  # fmt: skip
    masked = "" if settings.secure_channel else "; personal data is masked"
    out.print(f"{count:,} rows in {to}{masked}")


@app.command("import")
def import_rows(
    path: Annotated[Path, typer.Argument(help="Corrected workbook.", exists=True)],
    why: WhyOption,
    by: ByOption = None,
) -> None:
    """Read a corrected workbook back; all of it or nothing. `replay` puts the rows through."""
    from eduplan.contract import load_contracts
    from eduplan.quality import workbook

    settings = settings_of()
    contracts = load_contracts(settings.expectations_dir)
    with _warehouse(settings) as conn:
        done = workbook.apply(conn, contracts, path, actor(by), why)
    out.print(f"{done.dataset}: {len(done.edited)} rows corrected, {done.unchanged} unchanged")
    if done.edited:
        out.print(f"next: eduplan quarantine replay {done.dataset} --why …", style="dim")


@app.command()
def edit(
    row: Annotated[int, typer.Argument(help="Id of the row.")],
    values: Annotated[list[str], typer.Argument(help="column=value …; column= empties it.")],
    why: WhyOption,
    by: ByOption = None,
) -> None:
    """Correct columns of one row; `replay` puts it through."""
    from eduplan.quality import quarantine

    given = {}
    for item in values:
        name, mark, value = item.partition("=")
        if not mark:
            raise typer.BadParameter(f"{item!r} is not column=value")
        given[name.strip()] = value or None
    settings = settings_of()
    with _warehouse(settings) as conn:
        (dataset,) = _datasets(conn, [row])
        contract = contract_named(settings, dataset)
        changed = quarantine.edit(conn, contract, row, given, actor(by), why)
    out.print(f"row {row} {'corrected' if changed else 'is as before'}")


@app.command()
def waive(ids: IdsArgument, why: WhyOption, by: ByOption = None) -> None:
    """Leave rows out; nobody need act."""
    _decide(ids, "waived", why, by)


@app.command()
def reject(ids: IdsArgument, why: WhyOption, by: ByOption = None) -> None:
    """Refuse rows for good; the sender is told."""
    _decide(ids, "rejected", why, by)


@app.command()
def release(ids: IdsArgument, why: WhyOption, by: ByOption = None) -> None:
    """Let rows in although they break a rule; `replay` publishes them."""
    _decide(ids, "released", why, by)


@app.command()
def reopen(ids: IdsArgument, why: WhyOption, by: ByOption = None) -> None:
    """Take decisions back."""
    _decide(ids, "open", why, by)


@app.command()
def replay(
    dataset: DatasetArgument,
    why: WhyOption,
    period: PeriodOption = None,
    ids: Annotated[list[int] | None, typer.Option("--id", help="Only what concerns these.")] = None,
    by: ByOption = None,
    form: FormatOption = Format.table,
) -> None:
    """Judge rows again without their file: what concerns these ids, or all that is published."""
    from eduplan import ingest

    settings = settings_of()
    contract_named(settings, dataset)
    report = ingest.replay_all(settings, dataset, period, ids or None, actor(by), why)
    show(
        [
            {
                "period": done.period, "batch": done.batch_id, "outcome": done.outcome,
                "accepted": done.accepted, "quarantined": done.quarantined,
                "why": "; ".join(done.reasons),
            }
            for done in report.published
        ],
        form,
        f"Nothing of {dataset} to judge again.",
    )  # fmt: skip
    if not report.ok:
        raise SystemExit(1)


def _decide(ids: list[int], status: str, why: str, by: str | None) -> None:
    from eduplan.quality import quarantine

    settings = settings_of()
    with _warehouse(settings) as conn:
        for dataset, rows in _datasets(conn, ids).items():
            contract = contract_named(settings, dataset)
            if status == "open":
                quarantine.reopen(conn, contract, rows, actor(by), why)
            else:
                quarantine.decide(conn, contract, rows, status, actor(by), why)
    out.print(f"{len(set(ids))} rows {status}")


@contextmanager
def _warehouse(settings: "Settings") -> "Iterator[psycopg.Connection[Any]]":
    """Connect; commits at the end, and nothing after an error."""
    from eduplan import warehouse
    from eduplan.postgres import ensure_database

    with warehouse.connect(ensure_database(settings)) as conn:
        yield conn


def _datasets(conn: "psycopg.Connection[Any]", ids: list[int]) -> dict[str, list[int]]:
    from eduplan.errors import EduplanError

    found: dict[str, list[int]] = {}
    for dataset, number in conn.execute(
        "select dataset, quarantine_id from quality.quarantined_row"
        " where quarantine_id = any(%s) order by 1, 2",
        (ids,),
    ).fetchall():
        found.setdefault(dataset, []).append(number)
    missing = sorted(set(ids) - {number for rows in found.values() for number in rows})
    if missing:
        raise EduplanError(
            f"no quarantined row {', '.join(map(str, missing))}",
            hint="see `eduplan quarantine list`",
        )
    return found
