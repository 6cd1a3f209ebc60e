"""The late register of the synthetic city names exactly those who are planted to be late."""

import csv
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from demo.city import make_city
from eduplan import transform
from eduplan.contract import load_contracts
from eduplan.ingest import ingest
from eduplan.quality import windows
from eduplan.settings import Settings

# Sent by schools, by counties and by offices; what they depend on comes first.
DATASETS = ("school_register", "kindergartens", "preschool_children", "eyesight", "finance_school",
            "jj4149")  # fmt: skip
FOLDERS = {"教基": "jj4149", "学前教育": "preschool_children", "视力监测": "eyesight",
           "经费": "finance_school"}  # fmt: skip


@pytest.fixture
def settings(db_url: str, tmp_path: Path) -> Settings:
    city = make_city(tmp_path / "city", 0.02, seed=2025, processes=1).out
    return Settings(home=tmp_path / "home", source_root=city, database_url=db_url)


def test_it_names_exactly_the_planted(settings: Settings) -> None:
    url = str(settings.database_url)
    for dataset in DATASETS:
        assert not ingest(settings, dataset).held
    with psycopg.connect(url) as conn:
        windows.record(conn, load_contracts(settings.expectations_dir))
    outcome = transform.run_dbt(
        settings, url, ["build", "--exclude-resource-type", "unit_test", "--select",
                        "+qa_report_coverage", "qa_late_register"],
    )  # fmt: skip
    assert outcome.success

    expected = set()
    with (settings.source_root / "_late.csv").open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            folder, _, file = row["file"].split("/")
            unit = file.split("_")[0] if folder != "经费" else "450400"
            # Kindergartens fill in no form 4149.
            if folder in FOLDERS and not (folder == "教基" and unit.startswith("1")):
                expected.add((FOLDERS[folder], unit, row["due_on"], row["saved_on"]))
    assert {dataset for dataset, *_ in expected} == set(FOLDERS.values())

    with psycopg.connect(url, row_factory=dict_row) as conn:
        register = conn.execute("select * from marts.qa_late_register").fetchall()
        coverage = conn.execute(
            "select dataset, units_expected, units_missing from marts.qa_report_coverage"
            " where dataset = any(%s) and period in ('2025-2026', '2025')"
            " and county_code = '450400'",
            (list(DATASETS),),
        ).fetchall()
    late = {
        (row["dataset"], row["unit_code"], str(row["due_on"]), str(row["received_on"]))
        for row in register
        if row["status"] == "late"
    }
    assert late == expected
    # On the day the city is seen all of 2025-2026 has come; the next school year is not due.
    delivered = [row for row in register if row["dataset"] in DATASETS]
    assert {str(row["as_of"]) for row in register} == {"2026-08-31"}
    assert not [row for row in delivered if row["status"] == "missing"]
    assert {row["status"] for row in delivered if row["period"] == "2026-2027"} == {"not_due"}
    by_dataset = {row["dataset"]: row for row in coverage}
    assert set(by_dataset) == set(DATASETS)
    assert by_dataset["eyesight"]["units_expected"] == 8
    assert by_dataset["jj4149"]["units_expected"] > 50
    assert all(row["units_missing"] == 0 for row in coverage)
