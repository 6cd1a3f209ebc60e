"""MetricFlow on the mini city: real queries, against numbers worked out by hand."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from eduplan import metrics, transform
from eduplan.errors import EduplanError
from eduplan.settings import Settings
from tests.dbt.mini_city import CITY, A
from tests.dbt.test_mini_city import near

pytestmark = pytest.mark.timeout(600)


def ask(settings: Settings, folder: Path, wanted: str, by: str, where: str) -> list[dict[str, str]]:
    """Run `mf query` and read what it wrote."""
    target = folder / "answer.csv"
    metrics.run(settings, [
        "query", "--metrics", wanted, "--group-by", by, "--order", by, "--where", where,
        "--csv", str(target), "--quiet",
    ])  # fmt: skip
    with target.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_on_track_rate_counts_only_what_is_judged(
    built: transform.BuildResult, dbt_settings: Settings, tmp_path: Path
) -> None:
    """PRE-03 and PRE-11: off track and met in the original plan; in the amended one PRE-03 is on
    track and PRE-11 has no target, so one of one is judged (test_mini_plan_versions)."""
    rows = ask(
        dbt_settings, tmp_path, "indicators,indicators_judged,indicators_off_track,on_track_rate",
        "progress__plan_version",
        "{{ Dimension('progress__indicator_code') }} in ('PRE-03', 'PRE-11')"
        f" and {{{{ Dimension('progress__region_code') }}}} = '{CITY}'"
        " and {{ Dimension('progress__period') }} = '2025-2026'",
    )  # fmt: skip
    found = {
        row["progress__plan_version"]: (
            int(row["indicators"]), int(row["indicators_judged"]),
            int(row["indicators_off_track"]), row["on_track_rate"],
        )
        for row in rows
    }  # fmt: skip
    assert found["demo-2025-2027"][:3] == (2, 2, 1)
    assert float(found["demo-2025-2027"][3]) == 0.5
    assert found["demo-2025-2027-amended"][:3] == (2, 1, 0)
    assert float(found["demo-2025-2027-amended"][3]) == 1
    assert found["wz-2025-2027"][:3] == (2, 0, 0)
    assert found["wz-2025-2027"][3] == ""  # nothing is judged: no rate, not 0


def test_task_rates_and_values_are_the_published_ones(
    built: transform.BuildResult, dbt_settings: Settings, tmp_path: Path
) -> None:
    """Tasks as in test_mini_plan, class sizes as in test_mini_city."""
    rows = ask(
        dbt_settings, tmp_path, "tasks_due,tasks_done_on_time,tasks_overdue,task_completion_rate",
        "task__period", "{{ Dimension('task__period') }} in ('2025', '2026')",
    )  # fmt: skip
    counts = ("tasks_due", "tasks_done_on_time", "tasks_overdue")
    found = {row["task__period"]: [int(float(row[name])) for name in counts] for row in rows}
    assert found == {"2025": [6, 1, 4], "2026": [7, 2, 3]}
    assert [float(row["task_completion_rate"]) for row in rows] == [near(1 / 6), near(2 / 7)]
    rows = ask(
        dbt_settings, tmp_path, "published_rows,indicator_value", "value__region_code",
        "{{ Dimension('value__indicator_code') }} in ('CMP-10', 'SEN-04')"
        " and {{ Dimension('value__period') }} = '2025-2026'"
        " and {{ Dimension('value__breakdown') }} = 'all'",
    )  # fmt: skip
    of = {row["value__region_code"]: row for row in rows}
    # Two indicators of the city: no value at all. County A has one: 4 of 5 classes of P1 are within
    # the limit, 1 of 2 of P2, that of T1, all 4 of J1.
    assert (int(of[CITY]["published_rows"]), of[CITY]["indicator_value"]) == (2, "")
    assert int(of[A]["published_rows"]) == 1
    assert float(of[A]["indicator_value"]) == near(100 * 10 / 12)


def test_what_mf_validates(built: transform.BuildResult, dbt_settings: Settings) -> None:
    """Every semantic model, dimension, measure and metric is asked of the warehouse."""
    environment = {
        **os.environ,
        "EDUPLAN_HOME": str(dbt_settings.home),
        "EDUPLAN_DATABASE_URL": str(dbt_settings.database_url),
        "EDUPLAN_SUPPRESSION_THRESHOLD": "0",
    }
    done = subprocess.run(
        [sys.executable, "-m", "eduplan.cli", "metrics", "validate-configs"],
        env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for what in ("dimensions", "entities", "measures", "metrics"):
        passed = (
            f"validated {what} against data warehouse (ERRORS: 0, FUTURE_ERRORS: 0, WARNINGS: 0)"
        )
        assert passed in done.stdout, what


def test_an_unknown_command_says_which_there_are(
    built: transform.BuildResult, dbt_settings: Settings
) -> None:
    with pytest.raises(EduplanError, match="one of .*query.*validate-configs"):
        metrics.run(dbt_settings, ["ask"])


def test_links_follow_the_project(tmp_path: Path) -> None:
    project, folder = tmp_path / "project", tmp_path / "links"
    (project / "models").mkdir(parents=True)
    (project / "target").mkdir()
    (project / "dbt_project.yml").touch()
    metrics.link_project(project, folder)
    assert {path.name for path in folder.iterdir()} == {"models", "dbt_project.yml"}
    (project / "models").rmdir()
    (folder / "target").mkdir()
    metrics.link_project(project, folder)
    assert {path.name for path in folder.iterdir()} == {"target", "dbt_project.yml"}
