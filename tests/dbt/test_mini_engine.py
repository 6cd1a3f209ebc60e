"""Coverage of county figures that were counted from the lists of schools."""

import psycopg

from tests.dbt.mini_city import CITY, A, B
from tests.dbt.test_mini_city import value


def test_retention_covers_schools(marts: psycopg.Connection) -> None:
    """CMP-14: J1 sent all three lists; N1 has no cohort of three years, C1 no junior pupils."""
    found = value(marts, "CMP-14") or {}
    assert (found["expected"], found["reporting"]) == (3, 1)
    found = value(marts, "CMP-14", A) or {}
    assert (found["expected"], found["reporting"], found["coverage"]) == (1, 1, 100)


def test_a_missing_workbook_shows_in_spending_per_pupil(marts: psycopg.Connection) -> None:
    """FIN-02: P3 sent no 3112: A's pupils are too few, its growth is too high."""
    found = value(marts, "FIN-02", A, "2025", "stage", "primary") or {}
    assert (found["expected"], found["reporting"], found["coverage"]) == (4, 3, 75)
    # B names no spending by stage: its school does not count as reported
    found = value(marts, "FIN-02", B, "2025", "stage", "primary") or {}
    assert (found["expected"], found["reporting"]) == (1, 0)
    # no school has a value of its own
    schools = marts.execute(
        "select count(*) from marts.ind_value where region_level = 'school'"
        " and indicator_code in ('CMP-14', 'FIN-02')"
    ).fetchone()
    assert schools == (0,)
    assert value(marts, "FIN-02", CITY, "2025") is not None
