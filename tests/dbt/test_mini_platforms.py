"""DIG-02 to DIG-07 on the mini city; the sheets are in ``parts/platforms.py``."""

import psycopg
import pytest

from tests.dbt.mini_city import A, B, M
from tests.dbt.test_mini_city import near, number, value


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        # October 5, November 2 published and 1 unchanged, December 0; 3 months x 5 datasets
        ("DIG-02", 100 * 8 / 15),
        # P1 9, J1 10, C1 5 of 14 + 24 + 33 + 5 + 2 teachers; nobody twice, no test account
        ("DIG-03", 100 * 24 / 78),
        # P1 20 + 30.5, J1 72, C1 40
        ("DIG-04", 162.5 / 78),
        # P1 8 of 10, N1 100 of 120, J1 40 of 46; P3's 4 without a list of pupils are left out
        ("DIG-05", 100 * 148 / 176),
        # P1 8, N1 90, J1 30, P3 4
        ("DIG-06", 100 * 132 / 152),
        ("DIG-07", 5),
        ("DIG-07#1", 2),
        ("DIG-07#2", 3),
    ],
)
def test_city(marts: psycopg.Connection, code: str, expected: float) -> None:
    assert number(marts, code) == near(expected)


@pytest.mark.parametrize(
    ("code", "region", "expected"),
    [
        # A: P1 9 and J1 10 of 1 + 8 (K1) kindergarten, 11 + 6 primary and 12 junior teachers
        ("DIG-03", A, 100 * 19 / 38),
        ("DIG-04", A, 122.5 / 38),
        # C1 5 of 14 junior, 5 senior and V1's 2
        ("DIG-03", M, 100 * 5 / 21),
        ("DIG-03", B, 0),
        # A: P1 8 of 10, J1 40 of 46
        ("DIG-05", A, 100 * 48 / 56),
        ("DIG-06", A, 100 * 42 / 52),
        ("DIG-05", B, 100 * 100 / 120),
        ("DIG-06", B, 100 * 90 / 100),
    ],
)
def test_counties(marts: psycopg.Connection, code: str, region: str, expected: float) -> None:
    assert number(marts, code, region) == near(expected)


@pytest.mark.parametrize("code", ["DIG-02", "DIG-07", "DIG-07#1"])
def test_what_the_city_runs_itself_is_fully_covered(marts: psycopg.Connection, code: str) -> None:
    found = value(marts, code)
    assert found is not None
    assert found["coverage"] == 100


def test_stages(marts: psycopg.Connection) -> None:
    # Primary: 108 of 130 took part, 98 passed; P3's 4 of whom nobody knows how many were due.
    assert number(marts, "DIG-05", breakdown="stage", part="primary") == near(100 * 108 / 130)
    assert number(marts, "DIG-06", breakdown="stage", part="primary") == near(100 * 102 / 112)


def test_years_that_a_platform_does_not_speak_for_have_no_data(marts: psycopg.Connection) -> None:
    assert number(marts, "DIG-05", period="2024-2025") is None
    assert number(marts, "DIG-02", period="2024-2025") is None
    # L5's evening of 31 August 2025
    assert number(marts, "DIG-07", period="2024-2025") == 1
    # C1 alone was online on 31 August 2025
    assert number(marts, "DIG-07#1", period="2024-2025") == 1
    assert number(marts, "DIG-07#1", period="2022-2023") is None


def test_coverage_is_that_of_the_teachers_list(marts: psycopg.Connection) -> None:
    # Eleven schools and kindergartens have teachers on file; P3 reported none and T1 has none.
    found = value(marts, "DIG-03")
    assert found is not None
    assert (found["expected"], found["reporting"]) == (13, 11)


def test_no_number_of_a_person_leaves_staging(marts: psycopg.Connection) -> None:
    keys = marts.execute(
        "select teacher_key from staging.stg_platform__teachers where teacher_key is not null"
        " union all select student_key from staging.stg_platform__assessments"
        " union all select learner_key from staging.stg_platform__learning"
        " where learner_key is not null"
    ).fetchall()
    assert len(keys) > 100 and all(len(key) == 64 for (key,) in keys)
