"""Seeds of the school calendar and of who must report, against contracts and public notices."""

import csv
import datetime as dt
from pathlib import Path

from eduplan.contract import load_contracts
from eduplan.quality.profile import unit_column
from eduplan.quality.windows import windows

PROJECT = Path(__file__).resolve().parents[2]
CONTRACTS = load_contracts(PROJECT / "expectations")


def seed(name: str) -> list[dict[str, str]]:
    path = PROJECT / "dbt_project" / "seeds" / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def days(row: dict[str, str]) -> set[dt.date]:
    first, last = (dt.date.fromisoformat(row[name]) for name in ("first_day", "last_day"))
    return {first + dt.timedelta(days=n) for n in range((last - first).days + 1)}


def test_public_holidays_are_those_of_the_notices() -> None:
    """Days off of 2024, 2025 and 2026 (2024: without the weekends beside one day), days worked."""
    counted = {"holiday": {2024: 0, 2025: 0, 2026: 0}, "workday": {2024: 0, 2025: 0, 2026: 0}}
    seen: set[dt.date] = set()
    for row in seed("school_calendar"):
        for day in days(row):
            assert day not in seen, day
            seen.add(day)
            counted[row["kind"]][day.year] += 1
            # Only a weekend day can be worked in exchange.
            assert row["kind"] == "holiday" or day.weekday() >= 5, day
        assert row["source"].startswith("国办发明电〔")
    assert counted == {
        "holiday": {2024: 28, 2025: 28, 2026: 33},
        "workday": {2024: 8, 2025: 5, 2026: 6},
    }


def test_exceptions_name_a_dataset_and_a_period_with_a_deadline() -> None:
    for row in seed("submission_window"):
        contract = CONTRACTS[row["dataset"]]
        periods = {window.period for window in windows(contract, range(2014, 2029))}
        assert row["period"] == "*" or row["period"] in periods, row


def test_who_must_report_agrees_with_contracts_and_indicators() -> None:
    """Forms that schools send are expected of the schools that the indicators expect them of."""
    units = {row["dataset"]: row for row in seed("reporting_unit")}
    assert set(units) <= set(CONTRACTS)
    by_school = {name for name, contract in CONTRACTS.items() if contract.scope == "school"}
    assert {name for name, row in units.items() if row["unit_level"] == "school"} == by_school
    stages = {row["stage"] for row in seed("stage")} - {"all"}
    for name, row in units.items():
        assert set(row["stages"].split("|")) <= stages
        # Whom a file came from is told by the schools in it.
        assert unit_column(CONTRACTS[name]) is not None, name
    reports = {row["dataset"]: row["stage"] for row in seed("dataset_grain") if row["stage"]}
    assert reports
    assert {name: units[name]["stages"] for name in reports} == reports
