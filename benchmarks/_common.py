"""What the benchmarks share: a server of their own, interleaved runs, one JSON file a result."""

import gc
import json
import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.table import Table

from eduplan import warehouse
from eduplan.postgres import EmbeddedPostgres

RESULTS = Path(__file__).parent / "results"


@contextmanager
def database() -> Iterator[str]:
    """Yield the URL of a migrated warehouse on a durable embedded server of its own."""
    home = Path(tempfile.mkdtemp(prefix="eduplan-bench-"))
    server = EmbeddedPostgres(home)
    try:
        url = server.start()
        with warehouse.connect(url) as conn:
            warehouse.migrate(conn)
        yield url
    finally:
        server.remove()
        shutil.rmtree(home, ignore_errors=True)


def interleave(
    sides: Mapping[str, Callable[[], Any]],
    *,
    reps: int = 5,
    before: Callable[[], Any] = lambda: None,
) -> dict[str, list[float]]:
    """Run every side once unmeasured, then ``reps`` times in turn; return seconds per run.

    ``before`` runs unmeasured ahead of each run, to bring the database into the same state.
    """
    times: dict[str, list[float]] = {name: [] for name in sides}
    for rep in range(reps + 1):
        for name, run in sides.items():
            before()
            gc.collect()
            start = time.perf_counter()
            run()
            if rep:
                times[name].append(time.perf_counter() - start)
    return times


def write_result(
    name: str,
    *,
    ours: list[float],
    limit: list[float],
    goal: float | None,
    what: str,
    **more: Any,
) -> float:
    """Write ``results/<name>.json``, print one line, return the ratio.

    ``ours`` and ``limit`` are seconds per run of either side; ``ratio`` is our speed over the
    limit's (1.0: as fast, higher is better) and ``goal`` the least ratio promised; None: only
    reported.
    """
    return write_measure(
        name,
        ratio=statistics.median(limit) / statistics.median(ours),
        goal=goal,
        what=what,
        ours_median_s=round(statistics.median(ours), 3),
        limit_median_s=round(statistics.median(limit), 3),
        ours_s=[round(seconds, 3) for seconds in ours],
        limit_s=[round(seconds, 3) for seconds in limit],
        **more,
    )


def write_measure(name: str, *, ratio: float, goal: float | None, what: str, **more: Any) -> float:
    """Write ``results/<name>.json`` for a ``ratio`` (higher is better) that is not of seconds."""
    result = {
        "name": name,
        "what": what,
        "ratio": round(ratio, 3),
        "goal": None if goal is None else round(goal, 3),
        "met": None if goal is None else ratio >= goal,
        **more,
        "machine": {
            "cpus": os.cpu_count(),
            "load": round(os.getloadavg()[0], 2),
            "python": platform.python_version(),
        },
    }
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(result, ensure_ascii=False, indent=2) + "\n"
    (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")
    print(f"{name}: ratio {ratio:.2f}, goal {_verdict(result)}: {what}", flush=True)
    return ratio


def result_table() -> Table:
    """Return all results written so far as a table for the terminal."""
    table = Table(title="Benchmarks (ratio: our speed over the limit's, higher is better)")
    for title in ("benchmark", "ours", "limit", "ratio", "goal"):
        table.add_column(title, justify="left" if title in ("benchmark", "goal") else "right")
    for path in sorted(RESULTS.glob("*.json")):
        result = json.loads(path.read_text("utf-8"))
        sides = [
            f"{result[key]:.2f} s" if key in result else "—"
            for key in ("ours_median_s", "limit_median_s")
        ]
        table.add_row(result["what"], *sides, f"{result['ratio']:.2f}", _verdict(result))
    return table


def _verdict(result: Mapping[str, Any]) -> str:
    if result["goal"] is None:
        return "none, reported"
    return f"{result['goal']:.2f} {'met' if result['met'] else 'MISSED'}"
