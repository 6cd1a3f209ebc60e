"""``eduplan bi …``: Superset, its assets as code and who may see what in it."""

from typing import TYPE_CHECKING, Any

import typer

from eduplan.console import Format, FormatOption, out, say, settings_of, show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eduplan.settings import Settings
    from eduplan.superset.assets import Assets, Model

app = typer.Typer(help="Superset: dashboards on the warehouse.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Superset: dashboards on the warehouse."""


@app.command()
def up() -> None:
    """Start Superset and bring it to what bi/ says: assets, roles, row rules, users."""
    from eduplan.superset.install import bring_up

    server = bring_up(settings_of(), say)
    out.print(f"Superset  {server.url}", soft_wrap=True)
    out.print(f"login     admin, passwords of all users in {server.login_file}", soft_wrap=True)


@app.command("import")
def import_assets() -> None:
    """Import the assets again, also when no file has changed: local edits of them are lost."""
    from eduplan.superset.install import bring_up

    bring_up(settings_of(), say, again=True)


@app.command()
def down() -> None:
    """Stop Superset; its database and logins stay."""
    from eduplan.superset.server import SupersetServer

    count = SupersetServer(settings_of()).stop()
    out.print(f"Stopped {count} processes." if count else "Superset was not running.")


@app.command()
def status(form: FormatOption = Format.table) -> None:
    """Whether Superset runs, and where; exit code 1 when it does not answer."""
    from eduplan.superset.server import SupersetServer

    server = SupersetServer(settings_of())
    healthy = server.healthy() if server.running() else False
    state = "healthy" if healthy else "unreachable" if server.running() else "stopped"
    row: dict[str, Any] = {"what": "superset", "state": state, "url": server.url}
    show([row | {"log": str(server.log)}], form, "")
    if not healthy:
        raise SystemExit(1)


@app.command()
def check() -> None:
    """Check dashboard → chart → dataset → dbt column; needs no Superset and no warehouse."""
    from eduplan.superset.assets import AssetError
    from eduplan.superset.check import mistakes

    assets, models = _read(settings_of())
    found = mistakes(assets, models)
    if found:
        raise AssetError("the assets of bi/assets do not fit together:\n  " + "\n  ".join(found))
    counts = (f"{len(assets.of(kind))} {kind}" for kind in ("dashboards", "charts", "datasets"))
    out.print(f"{', '.join(counts)}: everything they name exists.")


def _read(settings: "Settings") -> "tuple[Assets, Mapping[str, Model]]":
    from eduplan.superset.assets import load_assets, load_models

    return load_assets(settings.project_dir / "bi" / "assets"), load_models(settings.dbt_dir)
