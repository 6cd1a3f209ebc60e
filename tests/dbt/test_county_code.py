"""Whose business a row of a mart is: the column `county_code` on the mini city, by hand."""

import psycopg
import pytest

from tests.dbt.mini_city import C1, CITY, J1, K2, N1, P1, T1, V1, A, B, M

HOMES = {P1: A, T1: A, J1: A, N1: B, K2: B, C1: M, V1: M}
"""From the table in mini_city.py; C1 and V1 are the city's and stand in A."""

REGIONAL = [
    "ind_progress",
    "ind_plan_comparison",
    "ind_projection",
    "ind_exposure",
    "ind_parity",
    "ind_revision",
    "qa_pass_rate",
]


def _pairs(conn: psycopg.Connection, query: str) -> dict[str, str | None]:
    rows = conn.execute(query).fetchall()  # type: ignore[call-overload]
    found = dict(rows)
    assert len(found) == len(rows), "one code, two counties"
    return found


def test_a_school_is_the_business_of_the_region_that_administers_it(
    marts: psycopg.Connection,
) -> None:
    """Also where an indicator counts it for the county it stands in."""
    found = _pairs(
        marts,
        "select distinct region_code, county_code from marts.ind_value"
        " where region_level = 'school' and period_year = 2025",
    )
    assert {code: found.get(code) for code in HOMES} == HOMES
    assert set(found.values()) == {A, B, M}
    reported = _pairs(
        marts,
        "select distinct reporter_code, county_code from marts.fct_school_measure"
        " where reporter_level = 'school' and period_year = 2025",
    )
    assert {code: found[code] for code in found.keys() & reported.keys()} == {
        code: reported[code] for code in found.keys() & reported.keys()
    }


def test_a_region_is_its_own_business(marts: psycopg.Connection) -> None:
    """The city's rows carry the city's code, a county's its own."""
    found = _pairs(
        marts,
        "select distinct region_code, county_code from marts.ind_value"
        " where region_level <> 'school'",
    )
    assert {CITY, A, B, M} <= found.keys()
    assert all(code == county for code, county in found.items())


@pytest.mark.parametrize("mart", REGIONAL)
def test_marts_by_region(marts: psycopg.Connection, mart: str) -> None:
    """Everything judged by region is its region's business."""
    foreign = marts.execute(
        f"select count(*) from marts.{mart} where county_code is distinct from region_code"
    ).fetchone()
    assert foreign == (0,)


def test_a_contribution_is_the_business_of_who_contributes(marts: psycopg.Connection) -> None:
    """In the list of the city stand schools of every county: each row is its own county's."""
    rows = marts.execute(
        "select contributor_code, county_code from marts.ind_contribution"
        " where region_level = 'city' and contributor_level = 'school' and period_year = 2025"
    ).fetchall()
    known = [(code, county) for code, county in rows if code in HOMES]
    assert {county for _, county in known} == {A, B, M}
    assert [(code, HOMES[code]) for code, _ in known] == known
    counties = marts.execute(
        "select distinct contributor_code, county_code from marts.ind_contribution"
        " where contributor_level = 'county'"
    ).fetchall()
    assert counties
    assert all(code == county for code, county in counties)


def test_a_task_is_the_business_of_its_owner(marts: psycopg.Connection) -> None:
    """Only T04 is led by a county; what bureaux of the city lead concerns everybody."""
    found = _pairs(marts, "select distinct task_code, county_code from marts.fct_task")
    assert found.pop("T04") == B
    assert set(found.values()) == {CITY}
