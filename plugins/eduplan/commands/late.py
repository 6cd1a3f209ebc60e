"""``eduplan late …``: who has reported what, and who is late."""

import typer

app = typer.Typer(
    help="Who has reported what for which period, and who is late.", no_args_is_help=True
)


@app.callback()
def _group() -> None:
    """Who has reported what for which period, and who is late."""
