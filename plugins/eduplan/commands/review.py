"""``eduplan review …``: held batches and the decisions on them."""

from enum import StrEnum
from typing import Annotated

import typer

from eduplan.console import (
    ByOption,
    Format,
    FormatOption,
    WhyOption,
    actor,
    contract_named,
    out,
    query,
    say,
    settings_of,
    show,
)

app = typer.Typer(help="Held batches that wait for a decision.", no_args_is_help=True)

BatchArgument = Annotated[int, typer.Argument(help="Number of the held batch, see `list`.")]


class Decision(StrEnum):
    """What may be decided on a held batch."""

    release = "release"
    release_clean = "release-clean"
    reject = "reject"


@app.callback()
def _group() -> None:
    """Held batches that wait for a decision."""


@app.command("list")
def list_reviews(
    dataset: Annotated[str | None, typer.Option(help="Only this dataset.")] = None,
    state: Annotated[
        str, typer.Option("--status", help="waiting, decided, expired, withdrawn or any.")
    ] = "any",
    form: FormatOption = Format.table,
) -> None:
    """Requests for a decision and what came of them."""
    rows = query("reviews", dataset=dataset, status=None if state == "any" else state)
    show(rows, form, "No batch waits or waited for a decision.")


@app.command("show")
def show_review(
    batch: BatchArgument,
    preview: Annotated[
        bool, typer.Option("--preview", help="Compute first what would move; takes minutes.")
    ] = False,
) -> None:
    """What is asked, as Airflow shows it: reasons, counts by rule, masked examples, moves."""
    import sys

    from rich.markdown import Markdown

    from eduplan import warehouse
    from eduplan.postgres import ensure_database
    from eduplan.quality import request, review
    from eduplan.quality.preview import moves

    settings = settings_of()
    with warehouse.connect(ensure_database(settings)) as conn:
        asked = review.find(conn, batch_id=batch)
        contract = contract_named(settings, asked.dataset)
        if preview:
            moves(settings, asked.review_id)
        text = request.body(conn, contract, asked.review_id, previewed=preview or None)
    if sys.stdout.isatty():
        out.print(Markdown(text))
    else:
        sys.stdout.write(text)


@app.command()
def decide(
    batch: BatchArgument,
    decision: Annotated[Decision, typer.Argument(help="What to do with it.")],
    why: WhyOption,
    by: ByOption = None,
) -> None:
    """Decide on a held batch; a released one is published at once."""
    from eduplan import ingest, warehouse
    from eduplan.postgres import ensure_database
    from eduplan.quality import review

    settings = settings_of()
    with warehouse.connect(ensure_database(settings)) as conn:
        asked = review.find(conn, batch_id=batch)
        contract_named(settings, asked.dataset)
        done = review.decide(
            conn, asked.review_id, decision.value.replace("-", "_"), actor(by), why
        )
    if decision is Decision.reject:
        out.print(f"batch {batch} of {done.dataset} {done.period} is rejected")
        return
    say(f"publishing batch {batch} of {done.dataset} {done.period}")
    (result,) = ingest.publish_all(settings, done.dataset, [batch])
    out.print(
        f"batch {batch} of {done.dataset} {done.period}: {result.outcome},"
        f" {result.accepted:,} rows accepted, {result.quarantined:,} in quarantine"
    )
