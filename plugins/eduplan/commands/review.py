"""``eduplan review …``: held batches and the decisions on them."""

import typer

app = typer.Typer(help="Held batches that wait for a decision.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Held batches that wait for a decision."""
