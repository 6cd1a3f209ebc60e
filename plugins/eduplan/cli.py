"""The command line: ``eduplan …``. Every heavy import waits until its command runs."""

import json
import os
import sys
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from eduplan.commands import (
    access,
    alerts,
    bi,
    defects,
    drift,
    export,
    late,
    lineage,
    quarantine,
    review,
)
from eduplan.console import (
    Format,
    FormatOption,
    contract_named,
    err,
    out,
    plain,
    query,
    say,
    settings_of,
    show,
)

app = typer.Typer(
    name="eduplan",
    help="From a city's education data to the indicators of its plan.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
contracts_app = typer.Typer(help="Data contracts.", no_args_is_help=True)
app.add_typer(contracts_app, name="contracts")
for _name, _commands in (
    ("quarantine", quarantine),
    ("review", review),
    ("defects", defects),
    ("late", late),
    ("drift", drift),
    ("alerts", alerts),
    ("access", access),
    ("export", export),
    ("bi", bi),
):
    app.add_typer(_commands.app, name=_name)

app.command()(lineage.lineage)


def main() -> None:
    """Entry point: an expected error is one clear line and a hint, exit code 1."""
    import psycopg

    from eduplan.errors import EduplanError

    try:
        app()
    except EduplanError as error:
        err.print(Text.assemble(("error: ", "bold red"), str(error)), soft_wrap=True)
        if error.hint:
            err.print(Text.assemble(("  what to do: ", "bold"), error.hint), soft_wrap=True)
        raise SystemExit(1) from None
    except psycopg.OperationalError as error:
        # The message may name host and user, never data.
        err.print(Text.assemble(("error: ", "bold red"), f"the database: {str(error).strip()}"))
        err.print("  what to do: `eduplan status`; check EDUPLAN_DATABASE_URL")
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:
        # The reader (head, less) has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None


# --- the platform --------------------------------------------------------------------------------


@app.command()
def up() -> None:
    """Start PostgreSQL and Airflow."""
    from eduplan import supervisor
    from eduplan.access.roles import apply_at_start
    from eduplan.demo_run import Stopped, stop_on_signals
    from eduplan.demo_sources import DemoSources
    from eduplan.postgres import ensure_database

    settings = settings_of()
    sources = DemoSources(settings)
    try:
        with stop_on_signals():
            if sources.wanted():
                ensure_database(settings)
                sources.prepare()
                sources.start()
            supervisor.up(settings, say)
            say(apply_at_start(ensure_database(settings), settings))
    except Stopped:
        supervisor.down(settings)
        raise SystemExit(130) from None
    login = supervisor.AirflowServer(settings).login()
    out.print(f"Airflow  {login.url}", soft_wrap=True)
    out.print(f"login    {login.user}, password in {login.password_file}", soft_wrap=True)


@app.command()
def down() -> None:
    """Stop Airflow and PostgreSQL; no process is left."""
    from eduplan import supervisor

    count = supervisor.down(settings_of())
    out.print(f"Stopped {count} processes; nothing is left." if count else "Nothing was running.")


@app.command()
def status(form: FormatOption = Format.table) -> None:
    """What runs, where, since when; exit code 1 when something does not."""
    from datetime import UTC, datetime

    from eduplan import supervisor
    from eduplan.postgres import EmbeddedPostgres

    settings = settings_of()
    server = supervisor.AirflowServer(settings)
    embedded = EmbeddedPostgres(settings.home)
    rows: list[dict[str, Any]] = []
    if settings.database_url is None:
        state = "running" if embedded.running() else "stopped"
        rows.append({"what": "postgresql", "state": state, "pid": None, "since": None, "log": None})
    else:
        rows.append(
            {"what": "postgresql", "state": "external", "pid": None, "since": None, "log": None}
        )
    for part in server.status():
        since = part.started and datetime.fromtimestamp(part.started, UTC).isoformat(
            timespec="seconds"
        )
        rows.append(
            {"what": f"airflow {part.name}", "state": part.health, "pid": part.pid, "since": since,
             "log": str(part.log)}
        )  # fmt: skip
    show(rows, form, "")
    if form is Format.table and server.running():
        login = server.login()
        out.print(f"\nAirflow {login.url}, login {login.user}, password in {login.password_file}")
    if any(row["state"] not in ("running", "healthy", "external") for row in rows):
        raise SystemExit(1)


@app.command()
def purge(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Stop everything and delete this installation's state: database, archive, logs, city."""
    import shutil

    from eduplan import supervisor
    from eduplan.postgres import EmbeddedPostgres

    settings = settings_of()
    if not yes:
        typer.confirm(f"Delete {settings.home} with all its data?", abort=True)
    supervisor.down(settings)
    EmbeddedPostgres(settings.home).remove()
    shutil.rmtree(settings.home, ignore_errors=True)
    out.print(f"Deleted {settings.home}")


@app.command()
def demo(
    scale: Annotated[float | None, typer.Option(help="1 = the whole city, 0.01 to 18.")] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed, another city.")] = None,
    stop_after: Annotated[
        bool,
        typer.Option(
            "--stop-after", help="Stop everything at the end.", envvar="EDUPLAN_DEMO_STOP"
        ),
    ] = False,
) -> None:
    """A synthetic city through Airflow, up to the plan scorecard."""
    from eduplan.demo_run import run_demo

    settings = settings_of(demo_scale=scale, demo_seed=seed)
    raise SystemExit(run_demo(settings, out, stop_after=stop_after))


# --- the pipeline --------------------------------------------------------------------------------


@app.command()
def ingest(
    dataset: Annotated[str, typer.Argument(help="A dataset, see `eduplan contracts show`.")],
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files; none: the source folder.")
    ] = None,
    period: Annotated[str | None, typer.Option(help="Period of the files, e.g. 2025-2026.")] = None,
    form: FormatOption = Format.table,
) -> None:
    """Land, audit and publish deliveries: what the ingest DAG does, without Airflow."""
    from eduplan import connections
    from eduplan import ingest as pipeline
    from eduplan.errors import EduplanError

    settings = settings_of()
    connections.use_file(settings.home / connections.FILE)
    contract_named(settings, dataset)
    for path in paths or ():
        if not path.exists():
            raise typer.BadParameter(f"{path} does not exist")
    report = pipeline.ingest(settings, dataset, tuple(p.resolve() for p in paths or ()), period)
    rows, bad = _ingest_rows(report)
    if paths and not rows:
        raise EduplanError(
            f"no file of {dataset} in {' '.join(map(str, paths))}",
            hint="name the files, or a folder that holds them directly",
        )
    show(rows, form, f"No new delivery of {dataset} found under {settings.source_root}.")
    if bad:
        raise SystemExit(1)


def _ingest_rows(report: Any) -> tuple[list[dict[str, Any]], bool]:
    """Return one row per delivery, and whether any was refused or held."""
    audited = {r.batch_id: r for r in report.audited}
    published = {r.batch_id: r for r in report.published}
    rows, bad = [], False
    for landed in report.landed:
        judged, done = audited.get(landed.batch_id), published.get(landed.batch_id)
        outcome = done.outcome if done else landed.outcome
        why = landed.error or ("; ".join(judged.hold_reasons) if judged and judged.held else "")
        bad = bad or outcome in ("failed", "held")
        rows.append(
            {
                "period": landed.period, "batch": landed.batch_id, "outcome": outcome,
                "rows": landed.rows, "accepted": done.accepted if done else None,
                "quarantined": done.quarantined if done else None,
                "warnings": judged.warning_rows if judged else None,
                "refused_files": landed.rejected_files, "refused_lines": landed.rejected_rows,
                "why": " ".join(x for x in (landed.error_code or "", why) if x),
            }
        )  # fmt: skip
    return rows, bad


@app.command()
def build(
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Build everything anew.")
    ] = False,
    select: Annotated[str | None, typer.Option(help="dbt selection, e.g. marts.")] = None,
) -> None:
    """Build the warehouse from what is published."""
    from eduplan import transform

    result = transform.build(settings_of(), full_refresh=full_refresh, select=select)
    out.print(str(result))


@app.command()
def report(
    lang: Annotated[str, typer.Option(help="zh or en.")] = "zh",
    html: Annotated[Path | None, typer.Option(help="Write the page here.")] = None,
    pdf: Annotated[
        Path | None, typer.Option(help="Print the page into this file, two A3 pages.")
    ] = None,
    terminal: Annotated[bool, typer.Option(help="Also print the scorecard.")] = True,
) -> None:
    """Write the plan scorecard as an HTML page and print it."""
    from eduplan import warehouse
    from eduplan.postgres import ensure_database
    from eduplan.report import read_scorecard, write_scorecard
    from eduplan.scorecard import render_terminal

    if lang not in ("zh", "en"):
        raise typer.BadParameter("zh or en", param_hint="--lang")
    settings = settings_of()
    path = write_scorecard(settings, lang, html)
    if terminal:
        with warehouse.connect(ensure_database(settings)) as conn:
            render_terminal(read_scorecard(conn, settings, lang), out)
    out.print(str(path), soft_wrap=True)
    if pdf is not None:
        from eduplan.browser import print_pdf

        out.print(str(print_pdf(path, pdf)), soft_wrap=True)


@app.command()
def site(
    to: Annotated[Path | None, typer.Option("--out", help="Folder; default <home>/site.")] = None,
) -> None:
    """Write the scorecard and a page per county and indicator as a static site, in zh and en."""
    from eduplan.site import write_site

    written = write_site(settings_of(), to)
    size = f"{written.size / 1e6:.1f} MB"
    out.print(f"{written.path / 'index.html'}  {written.pages} pages, {size}", soft_wrap=True)


@app.command("dbt-docs")
def dbt_docs() -> None:
    """Write the documentation of models, columns and their lineage as one page."""
    from eduplan import transform

    out.print(str(transform.write_docs(settings_of())), soft_wrap=True)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def metrics(
    context: typer.Context,
    command: Annotated[str, typer.Argument(help="query, list, validate-configs, …: as `mf`.")],
) -> None:
    """Ask MetricFlow, e.g. `metrics query --metrics on_track_rate --group-by metric_time`."""
    from eduplan.metrics import run

    run(settings_of(), [command, *context.args])


# --- listings ------------------------------------------------------------------------------------


@app.command()
def indicators(
    region: Annotated[
        str | None, typer.Option(help="Region code or name; default: the city.")
    ] = None,
    period: Annotated[str | None, typer.Option(help="Default: each indicator's latest.")] = None,
    plan: Annotated[str | None, typer.Option(help="Plan version.")] = None,
    code: Annotated[str | None, typer.Option(help="One indicator, e.g. CMP-11.")] = None,
    form: FormatOption = Format.table,
) -> None:
    """Values, targets and status of the plan's indicators."""
    plan = plan or settings_of().plan_version
    rows = query("indicators", plan=plan, region=region, period=period, code=code)
    show(rows, form, f"No indicator of plan version {plan} matches.")


@app.command()
def reconcile(
    code: Annotated[str | None, typer.Option(help="One reconciliation, e.g. ROLL-P.")] = None,
    period: Annotated[str | None, typer.Option(help="Default: the latest.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those in tolerance.")] = False,
    form: FormatOption = Format.table,
) -> None:
    """Where two sources count the same thing differently, and what to do about it."""
    rows = query("reconciliation", code=code, period=period, all=everything)
    show(rows, form, "两个来源之间没有超出容差的差异。No difference beyond tolerance.")


@app.command()
def explain(
    code: Annotated[str, typer.Argument(help="An indicator, e.g. CMP-01P.")],
    region: Annotated[
        str | None, typer.Option(help="Region code or name; default: the city.")
    ] = None,
    period: Annotated[str | None, typer.Option(help="Default: the latest with a value.")] = None,
    form: FormatOption = Format.table,
) -> None:
    """Where a value comes from: sides, coverage, schools, batches, quarantined rows, revisions."""
    from eduplan import warehouse
    from eduplan.explain import explain as look_up
    from eduplan.explain_text import show as show_explanation
    from eduplan.postgres import ensure_database

    with warehouse.connect(ensure_database(settings_of())) as conn:
        conn.read_only = True
        found = look_up(conn, code, region, period)
    if form is Format.table:
        show_explanation(found, out)
        return
    if form is Format.csv:
        raise typer.BadParameter("an explanation is table or json", param_hint="--format")
    body = json.dumps(found.as_dict(), ensure_ascii=False, indent=2, default=_json_value)
    sys.stdout.write(body + "\n")


def _json_value(value: Any) -> Any:
    return plain(value) if isinstance(value, Decimal) else str(value)


@app.command()
def batches(
    dataset: Annotated[str | None, typer.Option(help="Only this dataset.")] = None,
    period: Annotated[str | None, typer.Option(help="Only this period.")] = None,
    state: Annotated[str | None, typer.Option("--status", help="Only this status.")] = None,
    form: FormatOption = Format.table,
) -> None:
    """Deliveries and what became of them."""
    rows = query("batches", dataset=dataset, period=period, status=state)
    show(rows, form, "No batch.")


@app.command()
def benchmarks(form: FormatOption = Format.table) -> None:
    """Published statistics of other places, as the state statistics report them."""
    show(
        query("published_statistics"),
        form,
        "No published statistics; run `eduplan ingest nbs_education_funding PATH`.",
    )


# --- contracts -----------------------------------------------------------------------------------


@contracts_app.command("check")
def contracts_check(
    path: Annotated[Path | None, typer.Argument(help="Folder of contracts.")] = None,
) -> None:
    """Read every contract and explain each mistake: file, place, what to do."""
    from eduplan.contract import load_contracts

    folder = path or settings_of().expectations_dir
    if not folder.is_dir():
        raise typer.BadParameter(f"{folder} is no folder")
    contracts = load_contracts(folder)
    rules = sum(len(c.rules) for c in contracts.values())
    out.print(f"{len(contracts)} contracts with {rules} rules are in order.")


@contracts_app.command("show")
def contracts_show(
    dataset: Annotated[str | None, typer.Argument(help="One dataset; none: the list.")] = None,
    form: FormatOption = Format.table,
) -> None:
    """The list of datasets, or one dataset's columns and rules."""
    from eduplan.contract import load_contracts

    settings = settings_of()
    if dataset is None:
        contracts = load_contracts(settings.expectations_dir)
        rows = [
            {
                "dataset": c.dataset, "title": c.title_zh, "system": c.system,
                "version": c.version, "columns": len(c.columns), "rules": len(c.rules),
                "owner": c.owner, "files": c.source.path,
            }
            for c in contracts.values()
        ]  # fmt: skip
        show(rows, form, "No contract.")
        return
    contract = contract_named(settings, dataset)
    columns = [
        {
            "column": c.name, "header": c.label, "type": c.logical_type,
            "required": "yes" if c.required else "", "key": "yes" if c.key else "",
            "personal": c.personal or "", "aliases": " ".join(c.aliases),
        }
        for c in contract.columns
    ]  # fmt: skip
    rules = [
        {
            "rule": r.id, "severity": r.severity, "level": r.level, "dimension": r.dimension,
            "sentence": r.sentence_zh,
        }
        for r in contract.rules
    ]  # fmt: skip
    if form is Format.json:
        both = {"dataset": dataset, "columns": columns, "rules": rules}
        sys.stdout.write(json.dumps(both, ensure_ascii=False, indent=2) + "\n")
        return
    show(columns, form, "No column.")
    out.print() if form is Format.table else sys.stdout.write("\n")
    show(rules, form, "No rule.")


@app.command(hidden=True)
def pools() -> None:
    """Print the Airflow pools that the contracts need, for ``airflow pools import``."""
    from eduplan.contract import load_contracts
    from eduplan.supervisor import POOL_SLOTS

    names = sorted({c.pool for c in load_contracts(settings_of().expectations_dir).values()})
    body = {n: {"slots": POOL_SLOTS, "description": "", "include_deferred": False} for n in names}
    sys.stdout.write(json.dumps(body, ensure_ascii=False, indent=2) + "\n")


@app.command(hidden=True)
def migrate() -> None:
    """Bring the warehouse's own schemas up to date, and its readers; run before a start."""
    from eduplan.access.roles import apply_at_start
    from eduplan.postgres import ensure_database

    settings = settings_of()
    url = ensure_database(settings)
    out.print("The warehouse is up to date.")
    out.print(apply_at_start(url, settings), markup=False, soft_wrap=True)


@app.command(hidden=True)
def docs() -> None:
    """Generate the reference pages under ``docs/`` from contracts, registry, models and views."""
    from eduplan import docs_bi, docs_indicators, docs_lineage, docs_reference
    from eduplan.contract import load_contracts

    settings = settings_of()
    contracts = load_contracts(settings.expectations_dir)
    out.print(str(docs_reference.write_reference(contracts, settings.project_dir)), soft_wrap=True)
    out.print(str(docs_indicators.write_reference(settings)), soft_wrap=True)
    for path in (*docs_bi.write(settings), *docs_lineage.write_reference(settings)):
        out.print(str(path), soft_wrap=True)


if __name__ == "__main__":
    main()
