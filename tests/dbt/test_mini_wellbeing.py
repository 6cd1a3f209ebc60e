"""Health, after-school service, governance and the preschool system, worked out by hand.

The sheets are in `parts/wellbeing.py`; schools and forms in `mini_city.py`.
"""

import psycopg
import pytest

from tests.dbt.mini_city import C1, CITY, J1, K1, N1, P1, P2, T1, A, B, M
from tests.dbt.test_mini_city import near, number, value

CITY_VALUES = [
    # due: P1, N1 (P2 is private, C1 lacks the conditions); in place: P1
    ("MOR-01", 100 * 1 / 2),
    # good of rated: P1 5/10, N1 4/8 + 2/10, C1 5/10 + 3/10
    ("MOR-03", 100 * 19 / 48),
    # latest semester: P1 76/200, N1 48/120 + 60/100, C1 143/220 + 80/100
    ("MOR-04", 100 * 407 / 740),
    # latest semester by stage: P1 180, P2 60, T1 30, N1 96 + 40, C1 110 of the pupils of the forms
    ("MOR-05", 100 * 516 / 770),
    # P1, P2, C1 of P1, P2, N1, C1
    ("MOR-06", 100 * 3 / 4),
    # teachers 8 + 3 + 2 and P1's one, all certified; principals 2 + 1 + 1, certified 1 + 1 + 0
    ("PRE-06", 100 * 16 / 18),
    # K1's town of 58 towns and townships
    ("PRE-09", 100 * 1 / 58),
]


@pytest.mark.parametrize(("code", "expected"), CITY_VALUES)
def test_city_value(marts: psycopg.Connection, code: str, expected: float) -> None:
    """The whole city."""
    assert number(marts, code) == near(expected)


def test_party_led_schools(marts: psycopg.Connection) -> None:
    """Due are public schools that meet the conditions; T1 belongs to its central school."""
    found = value(marts, "MOR-01") or {}
    # expected P1 P2 P3 T1 N1 C1 J1; P3 and J1 sent nothing
    assert (found["expected"], found["reporting"]) == (7, 5)
    assert number(marts, "MOR-01", A) == near(100)
    assert number(marts, "MOR-01", B) == 0
    # C1, run by the city, is not due: no value
    assert number(marts, "MOR-01", M) is None
    assert number(marts, "MOR-01", P2) is None


def test_fitness(marts: psycopg.Connection) -> None:
    """Exempt pupils and pupils without a level are in neither side; years stay apart."""
    assert number(marts, "MOR-03", P1) == near(50)
    assert number(marts, "MOR-03", P1, "2024-2025") == 0
    assert number(marts, "MOR-03", A) == near(50)
    assert number(marts, "MOR-03", breakdown="stage", part="primary") == near(100 * 9 / 18)
    assert number(marts, "MOR-03", breakdown="stage", part="junior") == near(100 * 7 / 20)
    assert number(marts, "MOR-03", breakdown="stage", part="senior") == near(100 * 3 / 10)
    # by stage: P1, N1 of five; N1, C1 of three; C1 of one
    found = value(marts, "MOR-03") or {}
    assert (found["expected"], found["reporting"]) == (9, 5)


def test_fitness_by_sex(marts: psycopg.Connection) -> None:
    """Girls: P1 3/3, N1 4/4 + 0/8, C1 0/5 + 3/3; boys the rest of 19/48."""
    rows = marts.execute(
        "select sex, measure_code, sum(value) from intermediate.int_measure__fitness_by_sex"
        " where period_year = 2025 group by 1, 2"
    ).fetchall()
    assert {(sex, code): int(total) for sex, code, total in rows} == {
        ("female", "fitness_good"): 10,
        ("female", "fitness_rated"): 23,
        ("male", "fitness_good"): 9,
        ("male", "fitness_rated"): 25,
    }
    assert number(marts, "MOR-03", breakdown="sex", part="female") == near(100 * 10 / 23)
    assert number(marts, "MOR-03", breakdown="sex", part="male") == near(100 * 9 / 25)


def test_eyesight_takes_the_latest_semester_of_each_school(marts: psycopg.Connection) -> None:
    """P1 screened again in spring; N1 in autumn only; C1's stages in different semesters."""
    assert number(marts, "MOR-04", P1) == near(100 * 76 / 200)
    assert number(marts, "MOR-04", N1) == near(100 * 108 / 220)
    assert number(marts, "MOR-04", C1) == near(100 * 223 / 320)
    assert number(marts, "MOR-04", breakdown="stage", part="senior") == near(80)
    assert number(marts, "MOR-04", B) == near(100 * 108 / 220)


def test_after_school(marts: psycopg.Connection) -> None:
    """The denominator is the form's, not the ledger's; each stage has its own latest semester."""
    # the ledger of spring says 198 pupils, the form 200
    assert number(marts, "MOR-05", P1) == near(90)
    assert number(marts, "MOR-05", N1) == near(100 * 136 / 220)
    assert number(marts, "MOR-05", A) == near(100 * 270 / 330)
    found = value(marts, "MOR-05", breakdown="stage", part="junior") or {}
    # N1 and C1; J1 has pupils and sent no ledger
    assert (found["numerator"], found["denominator"]) == (150, 320)
    assert (found["expected"], found["reporting"]) == (3, 2)


def test_counsellors(marts: psycopg.Connection) -> None:
    """Full-time or part-time; a dash is nobody; T1 is no school."""
    assert number(marts, "MOR-06", A) == near(100)
    assert number(marts, "MOR-06", B) == 0
    found = value(marts, "MOR-06") or {}
    assert (found["denominator"], found["expected"], found["reporting"]) == (4, 7, 5)
    assert number(marts, "MOR-06", T1) is None
    assert number(marts, "MOR-06", J1) is None


def test_certified_kindergarten_staff(marts: psycopg.Connection) -> None:
    """K1: 8 teachers and 1 of 2 principals; the closed kindergarten does not count."""
    assert number(marts, "PRE-06", K1) == near(100 * 9 / 10)
    # P1's attached class has a teacher and no principal
    assert number(marts, "PRE-06", A) == near(100 * 10 / 11)
    assert number(marts, "PRE-06", B) == near(100 * 6 / 7)


def test_townships_with_a_public_centre(marts: psycopg.Connection) -> None:
    """Private centres, centres of subdistricts and closed ones are none."""
    assert number(marts, "PRE-09", A) == near(100 * 1 / 3)
    assert number(marts, "PRE-09", B) == 0
    # A and B sent their lists; the other five counties have no kindergarten at all: known zeros
    found = value(marts, "PRE-09", CITY) or {}
    assert (found["numerator"], found["denominator"]) == (1, 58)
    assert (found["expected"], found["reporting"]) == (7, 7)
    assert value(marts, "PRE-09", M) is None


def test_children_of_the_system(marts: psycopg.Connection) -> None:
    """Nursery children are left out; attached classes are unknown to the system."""
    rows = marts.execute(
        "select reporter_code, value from intermediate.int_school__measures"
        " where measure_code = 'children_system' order by 1"
    ).fetchall()
    assert [(code, int(count)) for code, count in rows] == [(K1, 84), ("1145000008", 50)]


def test_numbers_of_schools(marts: psycopg.Connection) -> None:
    """From the register: T1 (教学点) is no school, C1 is run by the city and no county school."""
    rows = marts.execute(
        "select measure_code, sum(value) from intermediate.int_measure__register"
        " where period_year = 2025 group by 1"
    ).fetchall()
    assert {code: int(total) for code, total in rows} == {
        "schools": 10,  # all eleven but T1
        "basic_schools": 6,  # P1 P2 P3 N1 C1 J1
        "compulsory_schools": 6,
        "kindergartens_registered": 3,
        "county_high_schools": 0,
        "voc_schools": 1,
        "townships": 58,
    }
