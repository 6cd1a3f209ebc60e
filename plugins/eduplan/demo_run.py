"""``eduplan demo``: a synthetic city through the whole pipeline, with live progress.

Everything is reused that is there already: the city, PostgreSQL, Airflow, every batch. Whatever
goes wrong or interrupts it, no process is left; what fails says the task, its log and what to do.
"""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from eduplan import demo_summary, supervisor, warehouse
from eduplan.access.roles import apply_at_start
from eduplan.airflow.rest import FINAL, AirflowApi, task_log
from eduplan.contract import Contract, load_contracts
from eduplan.demo_sources import DemoSources
from eduplan.errors import PlatformError
from eduplan.postgres import ensure_database
from eduplan.settings import Settings
from eduplan.supervisor import AirflowServer

WAREHOUSE_DAG = "build_warehouse"
WATCH_DAG = "quality_watch"
REVIEW_DAG = "review_batch"
POLL_SECONDS = 1.5


class Stopped(BaseException):
    """The demo was asked to end (Ctrl-C, SIGTERM, closed terminal)."""


@dataclass
class Follow:
    """What is known of one DAG's run while the demo watches it."""

    dag_id: str
    title: str
    run_id: str = ""
    state: str = "waiting"
    task: str = ""
    failed_task: str = ""
    log: Path | None = None
    batches: int = 0
    rows: int = 0
    quarantined: int = 0
    note: str = ""
    started: float = 0.0
    seconds: float = 0.0


@dataclass
class Progress:
    """Prints what happens: a live table on a terminal, plain lines elsewhere."""

    console: Console
    rows: dict[str, Follow] = field(default_factory=dict)
    phases: list[tuple[str, float]] = field(default_factory=list)
    _live: Live | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _printed: dict[str, tuple[str, str]] = field(default_factory=dict)

    def say(self, message: str) -> None:
        """Print one line."""
        with self._lock:
            self.console.print(Text.assemble(("· ", "dim"), message))

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a phase for the summary at the end."""
        started = time.monotonic()
        yield
        self.phases.append((name, time.monotonic() - started))

    @contextlib.contextmanager
    def live(self) -> Iterator[None]:
        """Show the table of DAGs as long as the block runs."""
        if not self.console.is_terminal:
            yield
            return
        with Live(
            self.table(), console=self.console, refresh_per_second=4, transient=False
        ) as live:
            self._live = live
            try:
                yield
            finally:
                live.update(self.table())
                self._live = None

    def refresh(self) -> None:
        """Show the present state of the DAGs."""
        if self._live is not None:
            self._live.update(self.table(most=max(5, self.console.height - 4)))
            return
        for row in self.rows.values():
            now = (row.state, row.task)
            if row.state == "running" and not row.task:
                continue  # between two tasks
            if row.run_id and self._printed.get(row.dag_id) != now:
                self._printed[row.dag_id] = now
                words = [f"{row.dag_id}: {row.state}" + (f" {row.task}" if row.task else "")]
                if row.state in (*FINAL, "held"):
                    words.append(f"{row.seconds:.0f} s")
                    if row.rows:
                        words.append(f"{row.rows:,} rows, {row.quarantined:,} quarantined")
                if row.note:
                    words.append(row.note)
                self.say(", ".join(words))

    def table(self, most: int | None = None) -> Group:
        """Return the table of DAGs, at most so many: those that run before those that wait."""
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name in ("DAG", "", "state", "task"):
            table.add_column(name, no_wrap=True)
        for name in ("batches", "rows", "quarantined", "s"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("")
        styles = {"success": "green", "failed": "red", "running": "yellow", "held": "magenta"}
        shown = list(self.rows.values())
        if most is not None and len(shown) > most:
            turn = {"running": 0, "queued": 0, "failed": 1, "held": 1, "waiting": 2}
            shown = sorted(shown, key=lambda row: turn.get(row.state, 3))[:most]
        for row in shown:
            seconds = row.seconds or (time.monotonic() - row.started if row.started else 0)
            table.add_row(
                row.dag_id, row.title, Text(row.state, styles.get(row.state, "dim")), row.task,
                f"{row.batches:,}" if row.batches else "", f"{row.rows:,}" if row.rows else "",
                f"{row.quarantined:,}" if row.quarantined else "",
                f"{seconds:.0f}" if seconds else "", Text(row.note, "dim"),
            )  # fmt: skip
        done = sum(r.state in (*FINAL, "held") for r in self.rows.values())
        return Group(table, Text(f"{done} of {len(self.rows)} DAGs finished", "dim"))


# --- the city ------------------------------------------------------------------------------------


def _city_key(settings: Settings) -> dict[str, Any]:
    """Return what decides the city's files: scale, seed and the generator's own code."""
    digest = hashlib.sha256()
    folder = settings.project_dir / "demo"
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return {
        "scale": settings.demo_scale,
        "seed": settings.demo_seed,
        "generator": digest.hexdigest()[:16],
    }


class City:
    """Makes the city's source files in a process of its own, once per scale and seed."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self.settings = settings
        self.say = say
        self.log = settings.logs_dir / "city.log"
        self._stamp = settings.home / "city.json"
        self._process: subprocess.Popen[bytes] | None = None

    def wanted(self) -> bool:
        """Tell whether files must be made: never into a source folder that the user named."""
        if self.settings.source_root != self.settings.home / "city":
            return False
        with contextlib.suppress(OSError, json.JSONDecodeError):
            return bool(json.loads(self._stamp.read_text()) != _city_key(self.settings))
        return True

    def make(self) -> None:
        """Make the files and wait; raises PlatformError with the log's end."""
        settings = self.settings
        if not self.wanted():
            self.say(f"source files: {settings.source_root}")
            return
        key = _city_key(settings)
        self._stamp.unlink(missing_ok=True)
        shutil.rmtree(settings.source_root, ignore_errors=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.say(f"making the synthetic city, scale {settings.demo_scale:g}")
        started = time.monotonic()
        with self.log.open("wb") as out:
            self._process = subprocess.Popen(  # noqa: S603
                [
                    sys.executable, "-m", "demo.city", "--out", str(settings.source_root),
                    "--scale", str(settings.demo_scale), "--seed", str(settings.demo_seed),
                    "--hold",
                ],
                cwd=settings.project_dir, stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, start_new_session=True,
                env={**os.environ, **supervisor.marks(settings.home, "city")},
            )  # fmt: skip
        code = self._process.wait()
        if code != 0:
            raise PlatformError(
                f"making the city failed ({code}); its log ends with:\n"
                f"{supervisor.log_tail(self.log)}",
                hint=f"read {self.log}",
            )
        self._stamp.write_text(json.dumps(key))
        self.say(f"the city is made ({time.monotonic() - started:.0f} s)")


# --- the runs ------------------------------------------------------------------------------------


def has_files(contract: Contract, root: Path) -> bool:
    """Tell whether the source folder has any file of a dataset."""
    if contract.source.kind != "file":
        return False
    return next(root.glob(contract.source.path.replace("{period}", "*")), None) is not None


def run_order(contracts: dict[str, Contract]) -> list[str]:
    """Return the datasets so that each comes after those it depends on.

    Raises PlatformError when they depend on each other in a circle.
    """
    order: list[str] = []
    left = sorted(contracts)
    while left:
        ready = [d for d in left if not set(contracts[d].depends_on) & set(left)]
        if not ready:
            raise PlatformError(
                f"these contracts depend on each other in a circle: {', '.join(left)}",
                hint="mend dependsOn in one of them; `eduplan contracts check`",
            )
        order += ready
        left = [d for d in left if d not in order]
    return order


def closing_dataset(contracts: dict[str, Contract], root: Path) -> str | None:
    """Return the dataset to publish last: it wakes the one warehouse build of the demo.

    Nothing may wait for it, and the fewer its files the shorter it runs alone.
    """
    needed = {name for c in contracts.values() for name in c.depends_on}
    sizes = {
        d: sum(p.stat().st_size for p in root.glob(c.source.path.replace("{period}", "*")))
        for d, c in contracts.items()
        if d not in needed and has_files(c, root)
    }
    return min(sizes, key=lambda d: (sizes[d], d)) if sizes else None


class Runs:
    """Triggers DAGs as soon as what they wait for is done, and follows them to their end."""

    def __init__(
        self, settings: Settings, url: str, api: AirflowApi, progress: Progress,
        contracts: dict[str, Contract],
    ) -> None:  # fmt: skip
        self.settings = settings
        self.url = url
        self.api = api
        self.progress = progress
        self.contracts = contracts
        self.since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def wait_parsed(self, timeout: float = 180) -> None:
        """Wait until Airflow knows every DAG; raises PlatformError naming the file at fault."""
        wanted = {WAREHOUSE_DAG, WATCH_DAG, REVIEW_DAG}
        wanted |= {f"ingest_{d}" for d in self.contracts}
        deadline = time.monotonic() + timeout
        while missing := wanted - self.api.dag_ids():
            errors = self.api.import_errors()
            if errors or time.monotonic() > deadline:
                raise PlatformError(
                    f"Airflow does not show {len(missing)} DAGs, e.g. {sorted(missing)[0]}"
                    + "".join(f"\n  {e}" for e in errors),
                    hint=f"read {self.settings.logs_dir / 'airflow-dag-processor.log'};"
                    " `eduplan contracts check`",
                )
            time.sleep(1)

    def ingest(self) -> list[Follow]:
        """Run every ingest DAG; return what became of each."""
        for dag_id in (WAREHOUSE_DAG, WATCH_DAG, REVIEW_DAG):
            self.api.pause(dag_id, True)
        waiting = run_order(self.contracts)
        closing = closing_dataset(self.contracts, self.settings.source_root)
        rows = {d: Follow(f"ingest_{d}", self.contracts[d].title_zh) for d in waiting}
        self.progress.rows = {r.dag_id: r for r in rows.values()}
        for dataset in waiting:
            self.api.pause(f"ingest_{dataset}", False)
        with self.progress.live():
            while any(r.state not in (*FINAL, "held") for r in rows.values()):
                ended = {d for d, r in rows.items() if r.state in (*FINAL, "held")}
                for dataset in list(waiting):
                    needs = set(self.contracts[dataset].depends_on) & set(rows)
                    if dataset == closing:
                        needs = set(rows) - {closing}
                    if needs <= ended:
                        if dataset == closing:
                            # Events of a paused DAG are dropped: so the build starts just once.
                            self.api.pause(WAREHOUSE_DAG, False)
                        self._start(rows[dataset])
                        waiting.remove(dataset)
                self._update([r for r in rows.values() if r.run_id and r.state not in FINAL])
                self._count(rows)
                self.progress.refresh()
                time.sleep(POLL_SECONDS)
        return list(rows.values())

    def warehouse(self) -> Follow:
        """Follow the build that the assets woke, or start one when nothing was published."""
        return self._follow(WAREHOUSE_DAG, "指标仓库", "woken by what was published")

    def watch(self) -> Follow:
        """Follow the alerts, reports and quality page that the build woke, or start them."""
        return self._follow(WATCH_DAG, "质量巡查", "woken by the warehouse")

    def reviews(self, timeout: float = 300) -> int:
        """Let held batches ask for their decision; return how many wait for a person now."""
        self.api.pause(REVIEW_DAG, False)
        deadline = time.monotonic() + timeout
        while True:
            runs = [r for r in self.api.latest_runs(REVIEW_DAG, 100) if r["state"] not in FINAL]
            asked = [
                run
                for run in runs
                if any(
                    task.state == "awaiting_input"
                    for task in self.api.tasks(REVIEW_DAG, run["dag_run_id"])
                )
            ]
            if len(asked) == len(runs) or time.monotonic() > deadline:
                return len(asked)
            time.sleep(POLL_SECONDS)

    def _follow(self, dag_id: str, title: str, woken: str) -> Follow:
        """Follow the run of ``dag_id`` that an asset woke, start one where none was."""
        self.api.pause(dag_id, False)
        row = Follow(dag_id, title, started=time.monotonic())
        self.progress.rows = {dag_id: row}
        for _ in range(8):
            new = [r for r in self.api.latest_runs(dag_id) if r["queued_at"] >= self.since]
            if new:
                row.run_id, row.note = new[-1]["dag_run_id"], woken
                break
            if not self._events_since():
                break
            time.sleep(POLL_SECONDS)
        if not row.run_id:
            self._start(row)
            row.note = "started here: no asset woke it"
        with self.progress.live():
            while row.state not in FINAL:
                self._update([row])
                self.progress.refresh()
                time.sleep(POLL_SECONDS)
        return row

    def _events_since(self) -> bool:
        answer = self.api.call(
            "GET", "assets/events", params={"limit": 1, "order_by": "-timestamp"}
        )
        return any(e["timestamp"] >= self.since for e in answer["asset_events"])

    def _start(self, row: Follow) -> None:
        row.run_id = self.api.trigger(row.dag_id)
        row.state, row.started = "queued", time.monotonic()

    def _update(self, rows: list[Follow]) -> None:
        # Two requests for all DAGs: each costs the api-server a tenth of a second of CPU.
        states, active = self.api.states(self.since), self.api.active_tasks()
        for row in rows:
            run = (row.dag_id, row.run_id)
            state, task = states.get(run, row.state), active.get(run)
            if row.state == "held":
                continue
            row.task = task.task_id if task else ""
            if task and task.state == "up_for_retry":
                row.note = f"try {task.try_number} failed, again in half a minute"
            if state not in FINAL:
                row.state = state
                continue
            row.seconds = time.monotonic() - row.started
            failed = []
            if state == "failed":
                tasks = self.api.tasks(row.dag_id, row.run_id)
                failed = [t for t in tasks if t.state == "failed"]
            if failed:
                first = next((t for t in failed if t.task_id != "unsettled"), failed[0])
                row.failed_task = first.task_id
                row.log = task_log(self.settings.logs_dir, row.dag_id, row.run_id, first)
            # `settle` fails for a delivery that waits for a person: what it is made for.
            waits = state == "failed" and {t.task_id for t in failed} == {"settle", "unsettled"}
            row.state = "held" if waits else state

    def _count(self, rows: dict[str, Follow]) -> None:
        with warehouse.connect(self.url) as conn:
            counts = conn.execute(
                "select dataset, count(*), sum(row_count)::bigint,"
                " coalesce(sum(quarantined_count), 0)::bigint"
                " from ops.batch where status not in ('failed', 'superseded') group by dataset"
            ).fetchall()
        for dataset, batches, total, quarantined in counts:
            if dataset in rows:
                row = rows[dataset]
                row.batches, row.rows, row.quarantined = batches, total, quarantined


# --- the demo ------------------------------------------------------------------------------------


@contextlib.contextmanager
def stop_on_signals() -> Iterator[None]:
    """Turn SIGINT, SIGTERM and SIGHUP into Stopped; further signals wait for the clean-up."""

    def stop(signum: int, _frame: FrameType | None) -> None:
        for name in caught:
            signal.signal(name, signal.SIG_IGN)
        raise Stopped(signal.Signals(signum).name)

    caught = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {name: signal.signal(name, stop) for name in caught}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def report_failures(console: Console, rows: list[Follow]) -> bool:
    """Print what failed and what to do, and what waits for a person; True when a task failed."""
    for row in rows:
        if row.state == "held":
            dataset = row.dag_id.removeprefix("ingest_")
            console.print(
                f"[magenta]{row.dag_id}[/]: a delivery was refused or is held, as it should be;"
                f" see `eduplan batches --dataset {dataset}`"
            )
    failed = [row for row in rows if row.state == "failed"]
    for row in failed:
        console.print(f"[red]{row.dag_id} failed in task `{row.failed_task}`[/]")
        console.print(f"  log: {row.log}", soft_wrap=True)
        console.print("  what to do: read the end of that log, mend it, run `make demo` again")
        if row.log is not None and row.log.exists():
            console.print(Text(_reason(row.log), "dim"))
    return bool(failed)


def _reason(log: Path) -> str:
    lines = []
    for line in log.read_text(errors="replace").splitlines():
        with contextlib.suppress(json.JSONDecodeError, TypeError):
            entry = json.loads(line)
            if entry.get("level") in ("error", "critical"):
                details = entry.get("error_detail") or [{}]
                lines.append(f"{entry.get('event', '')} {details[0].get('exc_value', '')}".strip())
    return "\n".join(f"  | {line[:500]}" for line in lines[-3:])


def run_demo(settings: Settings, console: Console, *, stop_after: bool = False) -> int:
    """Run the whole demo; return the exit code. Leaves Airflow and PostgreSQL running when it
    succeeds, unless ``stop_after``; leaves no process when it fails or is interrupted.
    """
    try:
        with stop_on_signals():
            code = _demo(settings, console)
    except Stopped as stopped:
        console.print(f"\n{stopped}: stopping everything …")
        supervisor.down(settings)
        console.print("Nothing is left running.")
        return 130
    except BaseException:
        supervisor.down(settings)
        raise
    if stop_after:
        supervisor.down(settings)
    return code


def _demo(settings: Settings, console: Console) -> int:
    began = time.monotonic()
    progress = Progress(console)
    contracts = load_contracts(settings.expectations_dir)
    server = AirflowServer(settings)
    if not server.running():
        server.refuse_taken_port()
    with progress.phase("PostgreSQL"):
        url = ensure_database(settings)
        progress.say(apply_at_start(url, settings))
    with progress.phase("the city and Airflow's start, side by side"):
        _prepare(settings, url, progress)
    sources = DemoSources(settings)
    if not sources.present():  # somebody's own folder: files are all there is
        contracts = {d: c for d, c in contracts.items() if c.source.connection is None}
    api = AirflowApi(server.login())
    try:
        runs = Runs(settings, url, api, progress, contracts)
        with progress.phase("ingest: land, audit, publish"):
            runs.wait_parsed()
            rows = runs.ingest()
        with progress.phase("warehouse and scorecard"):
            built = runs.warehouse()
        with progress.phase("alerts, defect reports, quality page"):
            watched = runs.watch()
        with progress.phase("held batches ask for a decision"):
            waiting = runs.reviews()
    finally:
        api.close()
    console.print()
    failed = report_failures(console, [*rows, built, watched])
    if built.state == "success":
        demo_summary.scorecard(settings, url, console)
    demo_summary.quality(url, contracts, console)
    demo_summary.places(settings, server.login(), waiting, console)
    demo_summary.times([*progress.phases, ("in all", time.monotonic() - began)], console)
    return 1 if failed else 0


def _prepare(settings: Settings, url: str, progress: Progress) -> None:
    """Make the city and start Airflow at the same time; the first error ends both."""
    city, cancel = City(settings, progress.say), threading.Event()
    sources = DemoSources(settings)
    if city.wanted() or sources.present():
        sources.prepare()

    def make() -> None:
        city.make()
        if sources.present():
            progress.say("starting the platforms' API, loading the admissions database")
            sources.start()

    # Not a `with` block: its exit would wait for a thread that the clean-up is about to end.
    pool = ThreadPoolExecutor(max_workers=2)
    try:
        jobs = [
            pool.submit(make),
            pool.submit(supervisor.start_airflow, settings, url, progress.say, cancel),
        ]
        while not all(job.done() for job in jobs):
            for job in jobs:
                if job.done() and job.exception() is not None:
                    job.result()
            time.sleep(0.2)
        for job in jobs:
            job.result()
    finally:
        cancel.set()
        pool.shutdown(wait=False, cancel_futures=True)
