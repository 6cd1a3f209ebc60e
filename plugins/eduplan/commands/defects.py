"""``eduplan defects …``: what each sender has to mend, as workbooks."""

import typer

app = typer.Typer(help="Workbooks that tell each sender what to mend.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Workbooks that tell each sender what to mend."""
