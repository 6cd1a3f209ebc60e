"""What is published is attacked: subtraction over all tables of marts must not tell a small cell.

Each school year of the data set is a scenario of its own: nasty patterns by hand, then random ones.
The attacker knows which schools exist and report, every published number, that girls and boys make
the whole, and that nobody counts less than zero. A cell is told when the published equations leave
it one value only.
"""

import csv
import datetime as dt
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psycopg
import pyarrow.parquet as pq
import pytest
from psycopg import sql
from python_calamine import CalamineWorkbook

from eduplan import transform
from eduplan.export.sdmx import export_sdmx
from eduplan.export.snapshot import snapshot
from eduplan.export.tables import Filters, Form, export_tables
from eduplan.export.workbook import export_workbook
from eduplan.settings import Settings
from tests.dbt import mini_city
from tests.dbt.parts import vocational, wellbeing

THRESHOLD = 5
CITY = "450400"
# code: county, type, organiser, place; 450401 is the city itself, its school stands in 450403
SCHOOLS = {
    "2145000001": ("450403", "211", "831", "111"),
    "2145000002": ("450403", "211", "999", "220"),
    "3145000003": ("450403", "312", "831", "121"),
    "2145000004": ("450421", "211", "831", "220"),
    "3145000005": ("450421", "311", "831", "121"),
    "2145000006": ("450422", "211", "831", "220"),
    "3145000007": ("450401", "311", "821", "111"),
}
STAGES = {"211": ("primary",), "311": ("junior",), "312": ("primary", "junior")}
COUNTIES = {"450403": "万秀区", "450421": "苍梧县", "450422": "藤县"}
P1, P2, N3, P4, J5, P6, J7 = SCHOOLS
UNITS = [(code, stage) for code, school in SCHOOLS.items() for stage in STAGES[school[1]]]

Pair = tuple[int, int]
"""Those asked and those of them who have the property."""


@dataclass
class Scenario:
    """Counts of one school year; what is not named is ordinary and large."""

    name: str
    fitness: dict[tuple[str, str, str], Pair] = field(default_factory=dict)
    eyes: dict[tuple[str, str], Pair] = field(default_factory=dict)
    migrants: dict[tuple[str, str], Pair] = field(default_factory=dict)
    disabled: dict[str, Pair] = field(default_factory=dict)


def fitness(stage: str, female: Pair, male: Pair, *codes: str) -> dict[tuple[str, str, str], Pair]:
    """The same pair for several schools."""
    pairs = {"female": female, "male": male}
    return {(code, stage, sex): pair for code in codes for sex, pair in pairs.items()}


def by_hand() -> list[Scenario]:
    """One pattern each."""
    usual = (40, 15)
    every = [
        key for code, stage in UNITS for key in ((code, stage, "female"), (code, stage, "male"))
    ]
    return [
        Scenario("all large"),
        Scenario("one small school in a county", fitness("primary", (40, 2), (40, 1), P1)),
        Scenario("a county with one school", fitness("primary", (40, 1), (40, 2), P6)),
        Scenario("two small schools", fitness("primary", (40, 1), (40, 1), P1, P2)),
        Scenario("small complement", fitness("primary", (40, 38), (40, 39), P4)),
        Scenario("small city", {**dict.fromkeys(every, (40, 0)), (P1, "primary", "male"): (40, 3)}),
        Scenario(
            "few girls of the city",
            {**dict.fromkeys(every, usual), **{key: (40, 0) for key in every if key[2] == "female"},
             (P4, "primary", "female"): (40, 4)},
        ),
        Scenario("few in private schools", fitness("primary", (40, 0), (40, 4), P2)),
        Scenario("few in junior schools", fitness("junior", (40, 0), (40, 0), N3, J5, J7)
                 | fitness("junior", (40, 1), (40, 1), J5)),
        Scenario("all of the few", fitness("primary", (2, 2), (1, 1), P6)),
        Scenario("migrants in the wrong schools", migrants={(P2, "primary"): (30, 28)}),
        Scenario("few migrants", migrants={**dict.fromkeys(UNITS, (0, 0)), (N3, "junior"): (4, 4)}),
        Scenario("short sight", eyes={(P6, "primary"): (60, 3), (J7, "junior"): (60, 57)}),
        Scenario("few disabled", disabled={"450422": (4, 4)}),
        Scenario("one disabled child stays away", disabled={"450421": (50, 49)}),
    ]  # fmt: skip


def at_random(seed: int) -> Scenario:
    """Tables with zeros, small and large numbers and full shares."""
    draw = random.Random(seed)  # noqa: S311
    sizes = draw.choice(([0, 1, 2, 5, 30], [0, 12, 30], [3, 6, 40, 60], [25, 40, 60]))

    def pair() -> Pair:
        size = draw.choice(sizes)
        return size, draw.choice((0, size, draw.randint(0, size), draw.randint(0, size)))

    return Scenario(
        f"random {seed}",
        {(code, stage, sex): pair() for code, stage in UNITS for sex in ("female", "male")},
        {unit: pair() for unit in UNITS},
        {unit: pair() for unit in UNITS},
        {county: pair() for county in COUNTIES},
    )


SCENARIOS = {1980 + n: scenario for n, scenario in enumerate(by_hand() + [
    at_random(seed) for seed in range(30)
])}  # fmt: skip


def sheets() -> mini_city.Sheets:
    """The scenarios as published sheets, one school year each."""
    mini_city.COLUMNS.update(wellbeing.COLUMNS | vocational.COLUMNS)
    out: mini_city.Sheets = {}
    grades = {"primary": ("11", "小学一年级"), "junior": ("21", "初中一年级")}
    for year, scenario in SCENARIOS.items():
        period = f"{year}-{year + 1}"
        out[("school_register", period)] = [
            {
                "school_code": code,
                "school_name": code,
                "school_type_code": kind,
                "admin_code": f"{county}000000",
                "location_code": f"{'450403' if county == '450401' else county}001000",
                "organiser_code": organiser,
                "urban_rural_code": place,
            }
            for code, (county, kind, organiser, place) in SCHOOLS.items()
        ]
        tests: list[mini_city.Row] = []
        pupils: list[mini_city.Row] = []
        eyes: list[mini_city.Row] = []
        for code, stage in UNITS:
            for sex, label in (("female", "2"), ("male", "1")):
                rated, good = scenario.fitness.get((code, stage, sex), (40, 15))
                row = {"school_code": code, "grade_code": grades[stage][0], "sex": label}
                tests += [{**row, "level": "良好"}] * good
                tests += [{**row, "level": "及格"}] * (rated - good)
            listed, inside = scenario.migrants.get((code, stage), (30, 15))
            private = SCHOOLS[code][2] == "999"
            for count, bought in ((inside, "是"), (listed - inside, "否")):
                # Whoever is in a public school counts; a second, private branch takes the others.
                pupils += mini_city.pupils(
                    count,
                    code if private or bought == "是" else P2,
                    grades[stage][1],
                    is_migrant="是",
                    is_purchased_place=bought,
                    birth_date="19700501",
                )
            screened, myopic = scenario.eyes.get((code, stage), (60, 25))
            eyes.append(
                {
                    "semester": "秋季学期",
                    "school_code": code,
                    "grade": grades[stage][1],
                    "screened": str(screened),
                    "myopia": str(myopic),
                }
            )
        out[("fitness", period)] = tests
        out[("students", period)] = pupils
        out[("eyesight", period)] = eyes
        out[("disability", period)] = [
            {"region_name": name, "children": str(all_), "enrolled": str(some)}
            for county, name in COUNTIES.items()
            for all_, some in [scenario.disabled.get(county, (50, 40))]
        ]
    return out


# --- the published tables ------------------------------------------------------------------------

Unit = tuple[str, str, str, str]
"""Measure, sex, reporter, stage: an unknown of the attacker."""


@dataclass(frozen=True)
class Publication:
    """One build: what marts say, by school year, as sums of unknowns with their published value."""

    sums: dict[int, list[tuple[frozenset[Unit], float]]]
    hidden: dict[tuple[str, int], int]
    """Suppressed and not suppressed rows: indicator or measure, year; count of suppressed."""


@dataclass(frozen=True)
class Truth:
    """What the schools reported, and the cells that must stay unknown."""

    facts: dict[int, dict[Unit, float]]
    place: dict[Unit, dict[str, str]]
    terms: dict[tuple[str, str], set[tuple[str, str]]]
    """Measures and stages of an indicator's side."""


def read_truth(conn: psycopg.Connection) -> Truth:
    """Read the unsuppressed counts of disclosive measures."""
    facts: dict[int, dict[Unit, float]] = defaultdict(dict)
    place = {}
    for year, measure, sex, code, stage, county, urban, owner, value in conn.execute(
        "select f.period_year, f.measure_code, f.sex, f.reporter_code, f.stage, f.county_code,"
        " s.urban_rural, s.ownership, f.value from intermediate.int_school__measures f"
        " join ref.measure m using (measure_code)"
        " left join intermediate.int_school__years s"
        "   on f.reporter_code = s.school_code and f.period_year = s.period_year"
        " where m.is_disclosive"
    ):
        unit = (measure, sex, code, stage)
        facts[year][unit] = float(value)
        place[unit] = {"county": county, "stage": stage, "urban_rural": urban, "ownership": owner}
    terms: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for indicator, side, measure, stage in conn.execute(
        "select indicator_code, side, measure_code, stage from intermediate.int_indicator__terms"
        " join ref.measure using (measure_code) where is_disclosive and periods_back = 0"
    ):
        terms[(indicator, side)].add((measure, stage))
    return Truth(dict(facts), place, dict(terms))


def units_of(
    truth: Truth, year: int, indicator: str, side: str, level: str, region: str, cut: str, part: str
) -> frozenset[Unit]:
    """Return the unknowns a published side adds up."""
    wanted = part if cut == "sex" else "total"
    return frozenset(
        unit
        for unit in truth.facts[year]
        if (unit[0], unit[3]) in truth.terms.get((indicator, side), ())
        and unit[1] == wanted
        and (cut in {"all", "sex"} or truth.place[unit][cut] == part)
        and (
            level == "city"
            or (level == "county" and truth.place[unit]["county"] == region)
            or unit[2] == region
        )
    )


def read_publication(conn: psycopg.Connection, truth: Truth) -> Publication:
    """Turn every published number of persons into an equation."""
    sums: dict[int, list[tuple[frozenset[Unit], float]]] = defaultdict(list)
    hidden: dict[tuple[str, int], int] = defaultdict(int)
    indicators = sorted({indicator for indicator, _ in truth.terms})
    values = conn.execute(
        "select indicator_code, region_level, region_code, breakdown, breakdown_value, period_year,"
        " numerator, denominator, is_suppressed from marts.ind_value"
        " where indicator_code = any(%s)",
        (indicators,),
    )
    for indicator, level, region, cut, part, year, numerator, denominator, is_hidden in values:
        hidden[(indicator, year)] += is_hidden
        for side, number in (("numerator", numerator), ("denominator", denominator)):
            if number is not None and (indicator, side) in truth.terms:
                units = units_of(truth, year, indicator, side, level, region, cut, part)
                sums[year].append((units, float(number)))
    for measure, sex, code, stage, year, value, is_hidden in conn.execute(
        "select measure_code, sex, reporter_code, stage, period_year, f.value, is_suppressed"
        " from marts.fct_school_measure f join ref.measure using (measure_code)"
        " where is_disclosive"
    ):
        hidden[(measure, year)] += is_hidden
        if value is not None:
            sums[year].append((frozenset({(measure, sex, code, stage)}), float(value)))
    for indicator, level, region, year, numerator, denominator in conn.execute(
        "select indicator_code, contributor_level, contributor_code, period_year, numerator,"
        " denominator from marts.ind_contribution where indicator_code = any(%s)",
        (indicators,),
    ):
        for side, number in (("numerator", numerator), ("denominator", denominator)):
            if number is not None and (indicator, side) in truth.terms:
                units = units_of(truth, year, indicator, side, level, region, "all", "all")
                sums[year].append((units, float(number)))
    for code, year, left, difference, is_hidden in conn.execute(
        "select unit_code, period_year, left_value, difference, is_suppressed"
        " from marts.qa_reconciliation where code = 'FIT'"
    ):
        hidden[("FIT", year)] += is_hidden
        assert (left is None) <= (difference is None)
        if left is not None:
            tested = {("fitness_rated", "total", code, stage) for stage in ("primary", "junior")}
            sums[year].append((frozenset(tested & truth.facts[year].keys()), float(left)))
    return Publication(dict(sums), dict(hidden))


# --- the exported files --------------------------------------------------------------------------

PLAN = "demo-2025-2027"


def export_everything(settings: Settings, folder: Path) -> None:
    """Write every file there is; the form once for each year of three scenarios."""
    with snapshot(settings, dt.date(2026, 9, 10)) as snap:
        for form in Form:
            target = folder / form.value
            export_tables(snap, settings.project_dir, target, [], form, Filters())
        export_sdmx(snap, folder / "sdmx")
        for year, scenario in SCENARIOS.items():
            if scenario.name in FORMS:
                export_workbook(snap, folder / f"{year}.xlsx", PLAN, year=year)


FORMS = ("all large", "one small school in a county", "small city")


def lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def read_exports(folder: Path, truth: Truth) -> Publication:
    """Turn every exported number of persons into an equation, as `read_publication` does."""
    sums: dict[int, list[tuple[frozenset[Unit], float]]] = defaultdict(list)
    hidden: dict[tuple[str, int], int] = defaultdict(int)
    values = [(row, row["region_level"], row["region_code"]) for row in lines(
        folder / "indicator_value.csv")]  # fmt: skip
    values += [
        (row, "school", row["school_code"]) for row in lines(folder / "school_indicator.csv")
    ]
    indicators = {indicator for indicator, _ in truth.terms}
    for row, level, region in values:
        indicator, year = row["indicator_code"], int(row["period_year"])
        if indicator not in indicators:
            continue
        hidden[(indicator, year)] += row["is_suppressed"] == "true"
        for side in ("numerator", "denominator"):
            if row[side] and (indicator, side) in truth.terms:
                cut = (row["breakdown"], row["breakdown_value"])
                units = units_of(truth, year, indicator, side, level, region, *cut)
                sums[year].append((units, float(row[side])))
    measures = {unit[0] for facts in truth.facts.values() for unit in facts}
    for row in lines(folder / "school_measure.csv"):
        if row["measure_code"] in measures:
            year = int(row["period_year"])
            hidden[(row["measure_code"], year)] += row["is_suppressed"] == "true"
            if row["value"]:
                unit = (row["measure_code"], row["sex"], row["reporter_code"], row["stage"])
                sums[year].append((frozenset({unit}), float(row["value"])))
    for row in lines(folder / "reconciliation.csv"):
        if row["code"] == "FIT" and row["left_value"]:
            year, code = int(row["period_year"]), row["unit_code"]
            tested = {("fitness_rated", "total", code, stage) for stage in ("primary", "junior")}
            sums[year].append(
                (frozenset(tested & truth.facts[year].keys()), float(row["left_value"]))
            )
    return Publication(dict(sums), dict(hidden))


# --- the attack ----------------------------------------------------------------------------------


def small_cells(truth: Truth, year: int) -> dict[str, tuple[frozenset[Unit], frozenset[Unit]]]:
    """Return every small count and small complement: those added less those taken away."""
    cells: dict[str, tuple[frozenset[Unit], frozenset[Unit]]] = {}
    regions = [("city", CITY)] + [("county", c) for c in (*COUNTIES, "450401")]
    regions += [("school", code) for code in SCHOOLS]
    cuts = [("all", "all"), ("sex", "female"), ("sex", "male"), ("stage", "primary")]
    cuts += [("stage", "junior"), ("ownership", "private"), ("ownership", "public")]
    cuts += [("urban_rural", place) for place in ("urban", "town", "rural")]
    facts = truth.facts[year]

    def total(units: frozenset[Unit]) -> float:
        return sum(facts[unit] for unit in units)

    for indicator in {indicator for indicator, _ in truth.terms}:
        for level, region in regions:
            for cut, part in cuts:
                where = (level, region, cut, part)
                has = units_of(truth, year, indicator, "numerator", *where)
                asked = units_of(truth, year, indicator, "denominator", *where)
                for name, plus, less in (
                    ("numerator", has, frozenset()),
                    ("denominator", asked, frozenset()),
                    ("complement", asked, has),
                ):
                    if (plus and less or name != "complement") and 0 < total(plus) - total(
                        less
                    ) < THRESHOLD:
                        cells[f"{indicator} {name} {where}"] = (plus, less)
    for unit, value in facts.items():
        if 0 < value < THRESHOLD:
            cells[f"{unit}"] = (frozenset({unit}), frozenset())
    return cells


def attack(truth: Truth, sums: list[tuple[frozenset[Unit], float]], year: int) -> set[str]:
    """Return the small cells that the published sums determine."""
    facts = truth.facts[year]
    columns = {unit: n for n, unit in enumerate(facts)}
    rows = []

    def row(plus: frozenset[Unit], less: frozenset[Unit] = frozenset()) -> np.ndarray:
        line = np.zeros(len(columns))
        line[[columns[unit] for unit in plus]] += 1
        line[[columns[unit] for unit in less]] -= 1
        return line

    for measure, sex, code, stage in facts:
        if sex == "female":
            both = frozenset({(measure, "female", code, stage), (measure, "male", code, stage)})
            rows.append(row(both, frozenset({(measure, "total", code, stage)})))
    for units, published in sums:
        # The attacker's reading of the tables is right: the equation holds.
        assert sum(facts[unit] for unit in units) == pytest.approx(published)
        rows.append(row(units))
        if published == 0:  # nobody counts less than zero: every part is zero
            rows += [row(frozenset({unit})) for unit in units]
    known = np.array(rows).reshape(-1, len(columns))
    _, values, basis = np.linalg.svd(known, full_matrices=True)
    rank = int((values > 1e-9).sum())
    free = basis[rank:]
    return {
        name
        for name, (plus, less) in small_cells(truth, year).items()
        if not free.size or np.abs(free @ row(plus, less)).max() < 1e-9
    }


@dataclass(frozen=True)
class Attacked:
    """The same data published twice."""

    truth: Truth
    protected: Publication
    exports: Path
    """Everything exported while protected."""
    hidden: set[tuple[str, str, str, str, int]]
    """What marts.ind_value hides then: indicator, region, breakdown, part, year."""
    bare: Publication


@pytest.fixture(scope="module")
def attacked(
    pg_server: str, pg_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Attacked]:
    """Build with suppression, then publish again without."""
    name = sql.Identifier("suppression_attack")
    with psycopg.connect(pg_server, autocommit=True) as conn:
        conn.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                name, sql.Identifier(pg_template)
            )
        )
    url = pg_server.rsplit("/", 1)[0] + "/suppression_attack"
    home = Path(tmp_path_factory.mktemp("attack"))
    try:
        with psycopg.connect(url, autocommit=True) as conn:
            mini_city.publish(conn, sheets())
            settings = Settings(home=home, database_url=url)
            transform.build(settings)
            truth = read_truth(conn)
            protected = read_publication(conn, truth)
            export_everything(settings, home / "exports")
            hidden = set(
                conn.execute(
                    "select indicator_code, region_code, breakdown, breakdown_value, period_year"
                    " from marts.ind_value where is_suppressed"
                )
            )
            transform.build(
                Settings(home=home, database_url=url, suppression_threshold=0),
                select="int_suppression__cells+",
            )
            bare = read_publication(conn, truth)
        yield Attacked(truth, protected, home / "exports", hidden, bare)
    finally:
        with psycopg.connect(pg_server, autocommit=True) as conn:
            conn.execute(sql.SQL("drop database {} with (force)").format(name))


def test_subtraction_tells_no_small_cell(attacked: Attacked) -> None:
    """No scenario, no cell."""
    told = {
        SCENARIOS[year].name: cells
        for year in SCENARIOS
        if (cells := attack(attacked.truth, attacked.protected.sums.get(year, []), year))
    }
    assert told == {}
    # and there was something to hide
    count = sum(len(small_cells(attacked.truth, year)) for year in SCENARIOS)
    assert count > 500


def test_without_suppression_the_attack_succeeds(attacked: Attacked) -> None:
    """Threshold 0 publishes every small cell: the attack finds them all."""
    for year in SCENARIOS:
        told = attack(attacked.truth, attacked.bare.sums[year], year)
        assert told == set(small_cells(attacked.truth, year)), SCENARIOS[year].name


def test_hiding_only_the_small_cells_is_not_enough(attacked: Attacked) -> None:
    """Without complementary suppression hidden cells come back by subtraction."""
    told = 0
    for year in SCENARIOS:
        small = {plus for plus, less in small_cells(attacked.truth, year).values() if not less}
        left = [line for line in attacked.bare.sums[year] if line[0] not in small]
        told += len(attack(attacked.truth, left, year))
    assert told > 100


def test_no_more_is_hidden_than_the_rule_says(attacked: Attacked) -> None:
    """Large numbers are published whole; a small school closes the schools and not the counties."""
    years = {scenario.name: year for year, scenario in SCENARIOS.items()}
    codes = ("MOR-03", "MOR-04", "CMP-17", "CMP-18", "fitness_good")
    assert [attacked.protected.hidden[(code, years["all large"])] for code in codes] == [0] * 5
    small = years["one small school in a county"]
    # the other groups of the same year are not touched
    assert [attacked.protected.hidden[(code, small)] for code in codes[1:4]] == [0] * 3
    assert attacked.protected.hidden[("fitness_good", small)] > 0
    # where schools are not told, no reconciliation tells them
    assert attacked.protected.hidden[("FIT", small)] == len(SCHOOLS)
    assert attacked.protected.hidden[("FIT", years["all large"])] == 0
    truth, sums = attacked.truth, dict(attacked.protected.sums[small])
    for region in (*COUNTIES, "450401"):
        assert units_of(truth, small, "MOR-03", "numerator", "county", region, "all", "all") in sums
    # three pupils of the whole city: nothing of the group is published
    city = units_of(truth, years["small city"], "MOR-03", "numerator", "city", CITY, "all", "all")
    assert city not in dict(attacked.protected.sums[years["small city"]])


def test_exported_files_together_tell_no_small_cell(attacked: Attacked) -> None:
    """The tables say what marts say and not a number more; subtraction over them tells nothing."""
    exported = read_exports(attacked.exports / "csv", attacked.truth)
    for year in SCENARIOS:
        found, published = exported.sums.get(year, []), attacked.protected.sums.get(year, [])
        # What fewer equations determine more determine too: these were attacked above.
        assert set(found) <= set(published), SCENARIOS[year].name
    small_city = next(year for year in SCENARIOS if SCENARIOS[year].name == "small city")
    assert attack(attacked.truth, exported.sums.get(small_city, []), small_city) == set()
    count = sum(map(len, exported.sums.values()))
    assert count > 0.8 * sum(map(len, attacked.protected.sums.values()))
    for what, rows in exported.hidden.items():
        assert rows == attacked.protected.hidden[what]


def test_parquet_hides_the_same(attacked: Attacked) -> None:
    """Where CSV shows nothing Parquet has none."""
    for view in ("indicator_value", "school_indicator", "school_measure", "indicator_progress"):
        rows = lines(attacked.exports / "csv" / f"{view}.csv")
        table = pq.read_table(attacked.exports / "parquet" / f"{view}.parquet")
        for name in {"value", "numerator", "denominator"} & set(table.column_names):
            shown = [number is not None for number in table[name].to_pylist()]
            assert shown == [row[name] != "" for row in rows], (view, name)


def test_sdmx_hides_the_same_and_does_not_say_which_are_small(attacked: Attacked) -> None:
    """No value, one code of confidentiality for all that is hidden."""
    dimensions = ("SEX", "EDUCATION_LEV", "URBANISATION", "SECTOR_EDU")
    cities = {key for key in attacked.hidden if not key[1].isdigit() or len(key[1]) == 6}
    secret = [row for row in lines(attacked.exports / "sdmx" / "indicators.csv")
              if row["CONF_STATUS"] != "F"]  # fmt: skip
    assert len(secret) == len(cities) > 1000
    assert {(row["CONF_STATUS"], row["OBS_STATUS"], row["OBS_VALUE"]) for row in secret} == {
        ("C", "Q", "")
    }
    totals = {
        (row["INDICATOR"].replace("_", "#"), row["REF_AREA"], int(row["TIME_PERIOD"][:4]))
        for row in secret
        if all(row[name] == "_T" for name in dimensions)
    }
    assert totals == {(k[0], k[1], k[4]) for k in cities if k[2] == "all"}
    assert len({row["COMMENT_OBS"] for row in secret} - {""}) == 1


def test_what_follows_from_a_hidden_value_is_hidden(attacked: Attacked) -> None:
    """Distance, progress, the standard, other versions, benchmarks, revisions, projections."""
    folder = attacked.exports / "csv"
    hidden = {(k[0], k[1], str(k[4])) for k in attacked.hidden if k[2] == "all"}

    def is_hidden(row: dict[str, str]) -> bool:
        return (row["indicator_code"], row["region_code"], row["period_year"]) in hidden

    progress = list(filter(is_hidden, lines(folder / "indicator_progress.csv")))
    assert len(progress) > 100
    for row in progress:
        assert row["status_code"] == "suppressed"
        for name in ("value", "numerator", "denominator", "distance", "distance_pct",
                     "progress_pct", "threshold_met"):  # fmt: skip
            assert row[name] == "", name
    for row in lines(folder / "plan_comparison.csv"):
        if is_hidden(row):
            assert (row["value"], row["original_distance"], row["amended_distance"]) == ("", "", "")
    for row in lines(folder / "indicator_benchmark.csv"):
        if (row["indicator_code"], CITY, row["city_period_year"]) in hidden:
            assert (row["city_value"], row["difference"]) == ("", "")


def test_the_form_hides_the_same(attacked: Attacked) -> None:
    """A sign instead of the number, in the city's table and in that of the counties."""
    crosses = numbers = 0
    for year, scenario in SCENARIOS.items():
        if scenario.name not in FORMS:
            continue
        book = CalamineWorkbook.from_path(str(attacked.exports / f"{year}.xlsx"))
        for line in book.get_sheet_by_name("指标完成情况").to_python()[4:]:
            if (line[1], CITY, "all", "all", year) in attacked.hidden:
                assert line[9] == "×" and line[11] == line[12] == "—"
                crosses += 1
            elif isinstance(line[9], float):
                numbers += 1
        sheet = book.get_sheet_by_name("县区对照").to_python()
        names = {
            "梧州市": CITY,
            "市直": "450401",
            **{name: code for code, name in COUNTIES.items()},
        }
        for line in sheet[3:]:
            for name, cell in zip(sheet[2][5:], line[5:], strict=True):
                if (line[0], names.get(name, ""), "all", "all", year) in attacked.hidden:
                    assert cell == "×", (line[0], name)
                    crosses += 1
    # once for a county, twice for the city: items of an indicator are not in the form
    years = {year for year, scenario in SCENARIOS.items() if scenario.name in FORMS}
    places = {CITY, "450401", *COUNTIES}
    expected = [
        1 + (region == CITY)
        for code, region, cut, _, year in attacked.hidden
        if cut == "all" and year in years and region in places and "#" not in code
    ]
    assert crosses == sum(expected) > 5
    assert numbers > 10
