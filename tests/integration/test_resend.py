"""A school sends its workbook again, corrected: just its values move, and the revision names it."""

import csv
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import psycopg
import pytest
from python_calamine import CalamineWorkbook

from eduplan import ingest, transform
from eduplan.explain import explain
from eduplan.settings import Settings
from tests.conftest import PROJECT

PERIOD = "2025-2026"
FORM = "教基3112_小学"
DATASETS = ("school_register", "jj3112", "jj3115", "jj2106", "jj4155")
# Registry indicators with pupils@primary among their terms or those of what they are built on, and
# whose other side these five datasets fill.
MOVED = {
    "CMP-01P", "CMP-03P", "CMP-10#1", "CMP-08P", "CMP-08P#1", "CMP-08P#3", "TCH-09",
}  # fmt: skip


def spotless(city: Path) -> Path:
    """Return the workbook of a primary school with nothing planted in it."""
    with (city / "_ledger.csv").open(encoding="utf-8", newline="") as handle:
        spoiled = {row["file"] for row in csv.DictReader(handle)}
    for path in sorted((city / "教基" / PERIOD).glob("2145*.xlsx")):
        if str(path.relative_to(city)) in spoiled or not zipfile.is_zipfile(path):
            continue
        if FORM in CalamineWorkbook.from_path(str(path)).sheet_names:
            return path
    raise AssertionError("every workbook has a planted defect")


def add_pupils(path: Path, count: int) -> None:
    """Raise grade 3 (M6) and the total (I6) of the workbook's 教基3112."""
    names = CalamineWorkbook.from_path(str(path)).sheet_names
    member = f"xl/worksheets/sheet{names.index(FORM) + 1}.xml"
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    text = parts[member].decode()
    for cell in ("I6", "M6"):
        text, replaced = re.subn(
            rf'(<c r="{cell}"><v>)(\d+)',
            lambda found: f"{found[1]}{int(found[2]) + count}",
            text,
        )
        assert replaced == 1
    parts[member] = text.encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in parts.items():
            book.writestr(name, content)


def values(db: psycopg.Connection) -> dict[tuple[str, ...], tuple[float, ...]]:
    """Values and sides by indicator, region, breakdown, part and period; city and counties."""
    rows = db.execute(
        "select indicator_code, region_code, breakdown, breakdown_value, period, value, numerator,"
        " denominator from marts.ind_value where region_level in ('city', 'county')"
        " and value is not null"
    ).fetchall()
    db.rollback()
    return {tuple(row[:5]): tuple(map(float, row[5:])) for row in rows}


@pytest.mark.timeout(900)
def test_a_corrected_workbook_moves_only_its_school(
    db: psycopg.Connection, db_url: str, tmp_path: Path
) -> None:
    city = tmp_path / "city"
    subprocess.run(
        [sys.executable, "-m", "demo.city", "--out", str(city), "--scale", "0.02", "--seed", "3"],
        check=True,
        cwd=PROJECT,
    )
    settings = Settings(home=tmp_path / "home", source_root=city, database_url=db_url)
    for dataset in DATASETS:
        ingest.ingest(settings, dataset)
    transform.build(settings)
    before = values(db)

    workbook = spotless(city)
    school = workbook.name[:10]
    add_pupils(workbook, 6)
    report = ingest.ingest(settings, "jj3112")
    (sent,) = (done for done in report.published if done.outcome == "published")
    assert sent.period == PERIOD
    transform.build(settings)
    after = values(db)

    county, place = db.execute(
        "select county_code, urban_rural from intermediate.int_school__years"
        " where school_code = %s and school_year = %s",
        (school, PERIOD),
    ).fetchone() or ("", "")
    moved = {key for key in after if after[key] != before.get(key)}
    assert set(before) == set(after)
    assert {key[0] for key in moved} == MOVED
    assert {key[1] for key in moved} == {"450400", county}
    assert {key[4] for key in moved} == {PERIOD}
    assert {key[3] for key in moved if key[2] == "urban_rural"} == {place}

    # Six more pupils under the same teachers, city and county alike.
    for region in ("450400", county):
        key = ("CMP-01P", region, "all", "all", PERIOD)
        _, numerator, denominator = before[key]
        assert after[key] == pytest.approx(
            (100 * numerator / (denominator + 6), numerator, denominator + 6)
        )

    found = explain(db, "CMP-01P", county, PERIOD)
    (revision,) = found.revisions
    assert (revision["cause"], revision["added_batch_ids"]) == ("data", [sent.batch_id])
    assert f"{sent.batch_id} (jj3112 {PERIOD})" in revision["cause_zh"]
    revised = {
        tuple(row)
        for row in db.execute(
            "select indicator_code, region_code, breakdown, breakdown_value, period"
            " from marts.ind_revision"
        )
    }
    assert revised == moved
    db.rollback()

    # Nothing new: nothing lands, nothing is built, nothing is revised.
    assert ingest.ingest(settings, "jj3112").published == ()
    assert transform.build(settings).status == "skipped"
