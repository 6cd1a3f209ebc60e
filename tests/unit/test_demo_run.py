"""The demo's own decisions: order, last dataset, the city's reuse, what a failure says."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rich.console import Console

from eduplan import demo_run
from eduplan.demo_run import City, Follow, Progress, closing_dataset, report_failures, run_order
from eduplan.errors import PlatformError
from eduplan.settings import Settings


@dataclass(frozen=True)
class Source:
    path: str
    kind: str = "file"


@dataclass(frozen=True)
class FakeContract:
    depends_on: tuple[str, ...] = ()
    source: Source = field(default=Source("x/{period}/*.csv"))


def test_order_respects_what_each_waits_for() -> None:
    contracts = {
        "students": FakeContract(("register",)),
        "forms": FakeContract(("students", "register")),
        "register": FakeContract(),
        "money": FakeContract(("not_a_dataset",)),
    }
    order = run_order(contracts)  # type: ignore[arg-type]
    assert order == ["money", "register", "students", "forms"]


def test_a_circle_is_refused() -> None:
    contracts = {"a": FakeContract(("b",)), "b": FakeContract(("a",)), "c": FakeContract()}
    with pytest.raises(PlatformError, match="circle: a, b"):
        run_order(contracts)  # type: ignore[arg-type]


def test_the_last_dataset_is_the_smallest_that_nobody_waits_for(tmp_path: Path) -> None:
    for name, size in (("register", 1), ("students", 900), ("money", 20)):
        folder = tmp_path / name / "2025"
        folder.mkdir(parents=True)
        (folder / "f.csv").write_text("x" * size)
    contracts = {
        "register": FakeContract((), Source("register/{period}/*.csv")),
        "students": FakeContract(("register",), Source("students/{period}/*.csv")),
        "money": FakeContract((), Source("money/{period}/*.csv")),
        "nothing": FakeContract((), Source("nothing/{period}/*.csv")),
    }
    assert closing_dataset(contracts, tmp_path) == "money"  # type: ignore[arg-type]
    assert closing_dataset(contracts, tmp_path / "empty") is None  # type: ignore[arg-type]


@pytest.fixture
def project(tmp_path: Path) -> Settings:
    """A checkout whose city is one small script."""
    city = tmp_path / "project" / "demo" / "city"
    city.mkdir(parents=True)
    (city.parent / "__init__.py").touch()
    (city / "__init__.py").touch()
    (city / "__main__.py").write_text(
        "import pathlib, sys\n"
        "out = pathlib.Path(sys.argv[sys.argv.index('--out') + 1])\n"
        "out.mkdir(parents=True)\n"
        "if '--scale' in sys.argv and sys.argv[sys.argv.index('--scale') + 1] == '0.5':\n"
        "    sys.exit('no room for half a city')\n"
        "(out / 'made').write_text(' '.join(sys.argv[1:]))\n"
    )
    return Settings(project_dir=tmp_path / "project", home=tmp_path / "home", demo_scale=0.02)


def test_the_city_is_made_once_per_scale_and_seed(project: Settings) -> None:
    said: list[str] = []
    City(project, said.append).make()
    made = project.source_root / "made"
    assert "--scale 0.02 --seed 2025" in made.read_text()
    made.write_text("untouched")
    City(project, said.append).make()
    assert made.read_text() == "untouched"
    City(project.model_copy(update={"demo_seed": 7}), said.append).make()
    assert "--seed 7" in made.read_text()


def test_a_city_that_fails_says_its_log(project: Settings) -> None:
    broken = project.model_copy(update={"demo_scale": 0.5})
    with pytest.raises(PlatformError, match="no room for half a city") as caught:
        City(broken, print).make()
    assert "city.log" in caught.value.hint
    assert City(broken, print).wanted()


def test_the_users_own_source_folder_is_never_touched(project: Settings, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "file.csv").touch()
    City(project.model_copy(update={"source_root": own}), print).make()
    assert [p.name for p in own.iterdir()] == ["file.csv"]


def test_a_failure_says_task_log_and_what_to_do(tmp_path: Path) -> None:
    log = tmp_path / "attempt=1.log"
    entry = {"level": "error", "event": "Task failed", "error_detail": [{"exc_value": "disk full"}]}
    log.write_text("not json\n" + json.dumps(entry) + "\n")
    console = Console(record=True, width=200)
    rows = [
        Follow("ingest_students", "学籍", state="failed", failed_task="land", log=log),
        Follow("ingest_jj3112", "教基", state="held", failed_task="settle"),
        Follow("ingest_teachers", "教师", state="success"),
    ]
    assert report_failures(console, rows) is True
    text = console.export_text()
    assert "ingest_students failed in task `land`" in text
    assert str(log) in text
    assert "what to do" in text
    assert "disk full" in text
    assert "eduplan batches --dataset jj3112" in text
    assert "ingest_teachers" not in text
    assert report_failures(console, rows[1:]) is False


def test_plain_lines_when_not_on_a_terminal() -> None:
    console = Console(record=True, width=120, force_terminal=False)
    progress = Progress(console)
    row = Follow("ingest_x", "x", run_id="r", state="running", task="land")
    progress.rows = {"ingest_x": row}
    with progress.live():
        progress.refresh()
        progress.refresh()
        row.state, row.task, row.seconds, row.rows = "success", "", 4.2, 1234
        progress.refresh()
    assert console.export_text().splitlines() == [
        "· ingest_x: running land",
        "· ingest_x: success, 4 s, 1,234 rows, 0 quarantined",
    ]


def test_a_long_table_shows_what_runs_first() -> None:
    console = Console(width=120, record=True)
    progress = Progress(console)
    for number, state in enumerate(("success", "success", "waiting", "running", "failed")):
        row = Follow(f"ingest_{number}", "", state=state)
        progress.rows[row.dag_id] = row
    console.print(progress.table(most=3))
    lines = console.export_text().splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["ingest_3", "ingest_4", "ingest_2"]
    assert lines[4].startswith("3 of 5 DAGs finished")


def test_a_signal_becomes_stopped_and_handlers_come_back() -> None:
    import os
    import signal

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(demo_run.Stopped, match="SIGTERM"), demo_run.stop_on_signals():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before
