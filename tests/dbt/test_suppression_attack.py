"""What is published is attacked: subtraction over all tables of marts must not tell a small cell.

Each school year of the data set is a scenario of its own: nasty patterns by hand, then random ones.
The attacker knows which schools exist and report, every published number, that girls and boys make
the whole, and that nobody counts less than zero. A cell is told when the published equations leave
it one value only.
"""

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psycopg
import pytest
from psycopg import sql

from eduplan import transform
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
            transform.build(Settings(home=home, database_url=url))
            truth = read_truth(conn)
            protected = read_publication(conn, truth)
            transform.build(
                Settings(home=home, database_url=url, suppression_threshold=0),
                select="int_suppression__cells+",
            )
            bare = read_publication(conn, truth)
        yield Attacked(truth, protected, bare)
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
