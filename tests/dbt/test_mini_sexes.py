"""Indicators of girls and boys, and the parity index, on the mini city (`parts/sexes.py`)."""

import psycopg
import pytest

from tests.dbt.mini_city import CITY, A, B
from tests.dbt.test_mini_city import near, number, value

C = "450422"


@pytest.mark.parametrize(
    ("code", "region", "girls", "boys"),
    [
        # on roll aged 6 to 11: A 40 of 50 and 50 of 50, B 30 of 40 and 20 of 40
        ("CMP-15", CITY, 100 * 70 / 90, 100 * 70 / 90),
        ("CMP-15", A, 80, 100),
        ("CMP-15", B, 75, 50),
        # C1 is run by the city and stands in A; B has nobody in senior school
        ("SEN-01", CITY, 100 * 30 / 50, 100 * 25 / 50),
        ("SEN-01", A, 75, 62.5),
        ("SEN-01", B, 0, 0),
        # without the nursery group: 12 + 15 girls, 18 + 15 boys
        ("PRE-01", CITY, 100 * 27 / 40, 100 * 33 / 50),
        ("PRE-01", A, 90, 82.5),
    ],
)
def test_girls_and_boys(
    marts: psycopg.Connection, code: str, region: str, girls: float, boys: float
) -> None:
    """By school and place, set against the residents of the same sex."""
    for part, expected in (("female", girls), ("male", boys)):
        found = number(marts, code, region, "2018-2019", "sex", part)
        assert found == near(expected)


def test_halves_make_the_whole(marts: psycopg.Connection) -> None:
    """City = girls + boys, on both sides, where every school says who is a girl."""
    for code in ("CMP-15", "SEN-01", "PRE-01"):
        whole, girls, boys = (
            value(marts, code, CITY, "2018-2019", *part) or {}
            for part in (("all", "all"), ("sex", "female"), ("sex", "male"))
        )
        for name in ("numerator", "denominator"):
            assert whole[name] == (girls[name] or 0) + (boys[name] or 0), (code, name)
        assert (whole["expected"], whole["reporting"]) == (girls["expected"], girls["reporting"])


def test_a_county_that_names_no_girls(marts: psycopg.Connection) -> None:
    """It has a value, and no halves; the halves of the city leave it out on both sides."""
    whole = value(marts, "CMP-16", CITY, "2019-2020") or {}
    # 400 + 200 + 100 of 420 + 210 + 120
    assert (whole["numerator"], whole["denominator"]) == (700, 750)
    assert number(marts, "CMP-16", C, "2019-2020") == near(100 * 100 / 120)
    assert number(marts, "CMP-16", C, "2019-2020", "sex", "male") is None
    girls = value(marts, "CMP-16", CITY, "2019-2020", "sex", "female") or {}
    assert (girls["numerator"], girls["denominator"]) == (282, 300)
    # three of seven counties reported, two of them by sex
    assert (whole["expected"], whole["reporting"]) == (7, 3)
    assert (girls["expected"], girls["reporting"]) == (7, 2)


def test_parity(marts: psycopg.Connection) -> None:
    """Girls' value over boys'; parity from 0.97 to 1.03."""
    rows = marts.execute(
        "select indicator_code, region_code, gpi, is_parity from marts.ind_parity"
        " where period_year in (2018, 2019) and indicator_code in ('CMP-16', 'PRE-01', 'SEN-01')"
    ).fetchall()
    found = {(code, region): (gpi and float(gpi), parity) for code, region, gpi, parity in rows}
    assert found == {
        # girls 282 of 300 = 94 %, boys 318 of 330 = 96.36 %
        ("CMP-16", CITY): (near(0.94 / (318 / 330)), True),
        ("CMP-16", A): (near(0.9), False),
        ("CMP-16", B): (near(1.02 / (98 / 110)), False),
        ("PRE-01", CITY): (near(0.675 / 0.66), True),
        ("PRE-01", A): (near(90 / 82.5), False),
        # nobody's share of boys is no divisor
        ("PRE-01", B): (None, None),
        ("SEN-01", CITY): (near(1.2), False),
        ("SEN-01", A): (near(1.2), False),
        ("SEN-01", B): (None, None),
    }
