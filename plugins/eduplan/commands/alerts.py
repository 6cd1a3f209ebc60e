"""``eduplan alerts …``: what somebody must know of."""

import typer

app = typer.Typer(
    help="What somebody must know of: list, ack, snooze, resolve.", no_args_is_help=True
)


@app.callback()
def _group() -> None:
    """What somebody must know of: list, ack, snooze, resolve."""
