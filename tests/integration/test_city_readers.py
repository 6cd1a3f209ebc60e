"""The city's files through the product's contracts and readers, without a database.

What the readers refuse or report must be what the ledger says of files; every code and header of
a clean row must be one the contracts know.
"""

from collections import Counter, defaultdict
from pathlib import Path

import polars as pl
import pytest

from demo.city import forms, make_city, people, staff, world
from demo.city.ledger import read_ledger
from eduplan.contract import Contract, load_contracts
from eduplan.errors import LandingError
from eduplan.extract import csv
from eduplan.extract.discover import discover
from eduplan.extract.excel import read_workbook
from eduplan.extract.file import check_workbook, sniff
from eduplan.extract.shape import Shape

EXPECTATIONS = Path(__file__).parents[2] / "expectations"
BLOCK = 1 << 18


@pytest.fixture(scope="module")
def contracts() -> dict[str, Contract]:
    """Load the contracts of the datasets the city has."""
    return {k: v for k, v in load_contracts(EXPECTATIONS).items() if not k.startswith("nbs_")}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a small city."""
    return make_city(tmp_path_factory.mktemp("readers") / "city", 0.01, 11, processes=1).out


def read(file: Path, name: str, shape: Shape) -> tuple[set[tuple[str, int]], int]:
    """Read one file as landing does: the landing codes it earns with their row, and its rows."""
    head = file.read_bytes()[:BLOCK]
    codes: set[tuple[str, int]] = set()
    rows = 0
    try:
        kind = sniff(head, name)
        if kind == "csv":
            plan = csv.make_plan(head, name, shape, complete=file.stat().st_size <= BLOCK)
            with file.open("rb") as source:
                reader = csv.RowReader(source, name, plan, shape)
                for _ in reader:
                    pass
            codes |= {(bad.code, bad.row) for bad in reader.bad}
            codes |= {("LND-006", 0)} if plan.header.extras else set()
            codes |= {("LND-007", 0)} if plan.encoding != "gb18030" else set()
            return codes, reader.rows
        check_workbook(file, name, kind)
        for sheet in read_workbook(file, name, shape):
            rows += sheet.rows
            codes |= {(sheet.error_code, 0)} if sheet.error_code else set()
            codes |= {("LND-006", 0)} if sheet.extra_labels else set()
            codes |= {("LND-022", miss.row) for miss in sheet.mismatches}
    except LandingError as error:
        codes.add((error.code, 0))
    return codes, rows


def test_readers_report_what_the_ledger_says(city: Path, contracts: dict[str, Contract]) -> None:
    planted: dict[tuple[str, str], set[tuple[str, int]]] = defaultdict(set)
    for entry in read_ledger(city / "_ledger.csv"):
        if entry.rule_id.startswith("LND-") and entry.rule_id != "LND-019":
            planted[(entry.dataset, entry.file)].add((entry.rule_id, entry.row or 0))
    severity = {rule.id: rule.severity for c in contracts.values() for rule in c.rules}
    critical = Counter(
        (dataset, period) for dataset, period, *_ in {
            (e.dataset, e.period, e.file, e.sheet, e.row) for e in read_ledger(city / "_ledger.csv")
            if e.row and severity.get(e.rule_id, "critical") == "critical"
        }
    )  # fmt: skip
    rows: Counter[tuple[str, str]] = Counter()
    found: dict[tuple[str, str], set[tuple[str, int]]] = {}
    for dataset, contract in contracts.items():
        if contract.source.kind != "file":
            continue
        deliveries = discover(contract, city)
        assert deliveries, dataset
        for delivery in deliveries:
            assert contract.accepts_period(delivery.period), (dataset, delivery.period)
            for file in delivery.files:
                name = str(file.relative_to(city))
                codes, read_rows = read(file, name, Shape.of(contract, delivery.period))
                rows[(dataset, delivery.period)] += read_rows
                if codes:
                    found[(dataset, name)] = codes
    assert found == dict(planted)
    # Even in the smallest city so few rows are spoilt that no batch is held for them.
    for (dataset, period), total in rows.items():
        assert critical[(dataset, period)] <= 0.9 * contracts[dataset].max_reject_rate * total


def test_clean_values_are_in_the_code_lists(contracts: dict[str, Contract]) -> None:
    schools = world.make_schools(0.05, 11)
    frames: dict[str, list[pl.DataFrame]] = {"students": [], "teachers": []}
    for region in range(8):
        pupils = people.make_pupils(schools, region, 0.05, 11)
        children, _ = forms.make_kindergartens(schools, region, 0.05, 11)
        frames["students"] += pupils.frames.values()
        crew = staff.make_staff(schools, pupils, children, region, 0.05, 11)
        frames["teachers"] += crew.frames.values()
    for dataset, parts in frames.items():
        frame = pl.concat(parts)
        for column in contracts[dataset].columns:
            values = set(frame[column.name].drop_nulls().unique())
            if column.codes is not None:
                assert values <= set(column.codes), (dataset, column.name)
            if column.required:
                assert frame[column.name].null_count() == 0, (dataset, column.name)


def test_every_rule_of_the_great_lists_has_a_planted_defect(
    tmp_path: Path, contracts: dict[str, Contract]
) -> None:
    """Register, pupils, teachers, statistics and finance: every rule that accuses rows is planted,
    but for those named here. Of each other dataset two rules are, at least (each of its rules has
    its rows in tests/contracts/cases).
    """
    city = make_city(tmp_path / "city", 0.06, 11, processes=1).out
    planted = {entry.rule_id for entry in read_ledger(city / "_ledger.csv")}
    without = {
        "FNC-002", "FNC-003", "FNC-006",  # eight rows a year: one critical defect is enough
        "POP-002",
    }  # fmt: skip
    # A workbook under another school's code takes that school out of the whole city.
    without |= {f"{c.prefix}-009" for name, c in contracts.items() if name.startswith("jj")}
    great = {"school_register", "students", "teachers", "finance_county", "finance_school"}
    great |= {"population"} | {name for name in contracts if name.startswith("jj")}
    rules: set[str] = set()
    for dataset, contract in contracts.items():
        own = {rule.id for rule in contract.rules if rule.level == "row"}
        if dataset in great:
            rules |= {rule.id for rule in contract.rules if rule.id in own and not rule.derived}
        elif not dataset.startswith("nbs_"):  # real published files: nothing is planted
            assert len(own & planted) >= 2, dataset
    assert rules - planted == without
