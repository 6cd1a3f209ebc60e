"""When the files of the synthetic city were saved, and who is planted to be late."""

import csv
import datetime as dt
import json
from pathlib import Path

import pytest

from demo.city import make_city
from demo.city.times import AS_OF, LATE

BEIJING = dt.timezone(dt.timedelta(hours=8))


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_city(tmp_path_factory.mktemp("times") / "city", 0.02, seed=7, processes=1).out


def times(city: Path) -> dict[str, dt.datetime]:
    return {
        path.relative_to(city).as_posix(): dt.datetime.fromtimestamp(path.stat().st_mtime, BEIJING)
        for path in city.rglob("*")
        if path.is_file() and not path.relative_to(city).as_posix().startswith("_")
    }


def planted(city: Path) -> dict[str, tuple[str, str]]:
    with (city / LATE).open(encoding="utf-8", newline="") as handle:
        return {row["file"]: (row["due_on"], row["saved_on"]) for row in csv.DictReader(handle)}


def test_the_same_seed_gives_the_same_times(city: Path, tmp_path: Path) -> None:
    again = make_city(tmp_path / "again", 0.02, seed=7, processes=1).out
    assert times(again) == times(city)
    other = make_city(tmp_path / "other", 0.02, seed=8, processes=1).out
    name = "学校名录/2025-2026/学校(机构)名录.xlsx"
    assert planted(other) != planted(city) or times(other)[name] != times(city)[name]


def test_all_files_are_saved_in_office_hours_before_the_day_the_city_is_seen(city: Path) -> None:
    marker = json.loads((city / "_city.json").read_text(encoding="utf-8"))
    assert marker["as_of"] == AS_OF.isoformat() == "2026-08-31"
    for name, moment in times(city).items():
        assert moment.date() < AS_OF, name
        assert dt.time(8, 30) <= moment.time() < dt.time(17, 30), name


def test_the_list_of_those_who_are_late_is_exact(city: Path) -> None:
    """Forms are due on 20 September: of the school workbooks exactly the listed ones are later."""
    listed = planted(city)
    saved = {name: moment.date().isoformat() for name, moment in times(city).items()}
    for name, (due, day) in listed.items():
        assert saved[name] == day > due, name
    forms = {name for name in saved if name.startswith("教基/2025-2026/")}
    late = {name for name in forms if saved[name] > "2025-09-20"}
    assert late == {name for name in listed if name.startswith("教基/")}
    assert 1 <= len(late) < len(forms) / 8
    rolls = {name for name in saved if name.startswith("学籍/2025-2026/")}
    assert {name for name in rolls if saved[name] > "2025-09-20"} == {
        "学籍/2025-2026/450422_藤县_学生.csv"
    }
