"""The admissions platform on the mini city, against numbers worked out by hand."""

import psycopg

from tests.dbt.mini_city import C1, V1, A, B, M
from tests.dbt.test_mini_city import near, number, value


def test_quota_share_of_quality_places(marts: psycopg.Connection) -> None:
    """C1 66 of 120 is the city's own, J1's line 20 of 80 county A's; V1 is no quality school."""
    assert number(marts, "CMP-19") == near(100 * 86 / 200)
    assert number(marts, "CMP-19", M) == near(100 * 66 / 120)
    assert number(marts, "CMP-19", A) == near(100 * 20 / 80)
    nothing = value(marts, "CMP-19", "450406")
    assert nothing is not None
    assert (nothing["value"], nothing["denominator"]) == (None, 0), "no quality school, no share"
    # A blank quota is no zero: P1 is on neither side, B's only quality school leaves B open.
    unknown = value(marts, "CMP-19", B)
    assert unknown is not None
    assert (unknown["denominator"], unknown["coverage"]) == (None, 0)
    assert (value(marts, "CMP-19") or {})["coverage"] == near(100 * 7 / 8)
    assert number(marts, "CMP-19", period="2024-2025") == 45


def test_admissions_through_the_platform(marts: psycopg.Connection) -> None:
    """C1: 90 and the one who registered there last, of 56 + 44 entrants. V1: 27 + 1 of 30.

    Nobody counts without an offer of the school, after a cancelled registration or twice.
    """
    city = value(marts, "DIG-08")
    assert city is not None
    assert (city["numerator"], city["denominator"]) == (119, 130)
    assert city["value"] == near(100 * 119 / 130)
    assert (city["expected"], city["reporting"]) == (2, 2)
    assert number(marts, "DIG-08", M) == near(100 * 119 / 130)
    assert number(marts, "DIG-08", C1) == 91
    assert number(marts, "DIG-08", V1) == near(100 * 28 / 30)
    assert number(marts, "DIG-08", breakdown="stage", part="senior") == 91
    assert value(marts, "DIG-08", period="2024-2025") is None, "nobody registered that year"
