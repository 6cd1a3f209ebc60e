"""``eduplan drift …``: deliveries that differ from their contract."""

import typer

app = typer.Typer(help="Columns and codes that differ from the contract.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Columns and codes that differ from the contract."""
