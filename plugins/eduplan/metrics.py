"""MetricFlow on the semantic models of the dbt project. The only importer of MetricFlow.

The commands are those of `mf`, run in this process on a copy of the project by links, so that the
checkout stays as it is, with the connection of this installation. Nobody is asked for updates.
"""

from collections.abc import Sequence
from pathlib import Path

from eduplan import transform
from eduplan.errors import EduplanError
from eduplan.postgres import ensure_database
from eduplan.settings import Settings

_OWN = {"target", "logs", "dbt_packages"}


def run(settings: Settings, arguments: Sequence[str]) -> None:
    """Run `mf ARGUMENTS`, e.g. ``query --metrics on_track_rate``; prints what `mf` prints.

    Raises EduplanError when MetricFlow is not installed or the project cannot be read.
    """
    try:
        from dbt_metricflow.cli.cli_configuration import CLIConfiguration
        from dbt_metricflow.cli.main import cli
    except ImportError:
        raise EduplanError(
            "MetricFlow is not installed", hint="install the extra `metrics` (dbt-metricflow)"
        ) from None
    import click

    # A reader's own URL is taken as it is: readers migrate nothing.
    url = settings.database_url or ensure_database(settings)
    folder = settings.home / "metricflow"
    link_project(settings.dbt_dir, folder)
    outcome = transform.run_dbt(settings, url, ["parse"], folder=folder)
    if not outcome.success:
        raise EduplanError(transform.explain(outcome, settings))
    with transform.connection(url):
        config = CLIConfiguration()
        config.setup(dbt_profiles_path=folder, dbt_project_path=folder)
        # The command itself and not its group, which would ask the package index for updates.
        command: click.Command = cli
        rest = list(arguments)
        while isinstance(command, click.Group):
            found = command.commands.get(rest.pop(0)) if rest else None
            if found is None:
                raise EduplanError(f"metrics: one of {', '.join(sorted(command.commands))}")
            command = found
        try:
            command.main(args=rest, prog_name="eduplan metrics", obj=config, standalone_mode=False)
        except click.ClickException as error:
            raise EduplanError(error.format_message()) from None


def link_project(project: Path, folder: Path) -> None:
    """Make ``folder`` a project of links to all that ``project`` holds but its output."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {path.name: path for path in project.iterdir() if path.name not in _OWN}
    for path in folder.iterdir():
        if path.is_symlink() and wanted.get(path.name) != path.readlink():
            path.unlink()
    for name, path in wanted.items():
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(path)
