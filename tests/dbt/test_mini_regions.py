"""Records of abolished counties belong to the counties of today."""

import psycopg

from tests.dbt.mini_city import A


def test_sums_of_a_merged_county_count_for_its_successor(marts: psycopg.Connection) -> None:
    """蝶山区's 50 entrants join 万秀区's 100; where 市郊区's 7 went is not known."""
    rows = marts.execute(
        "select county_code, sum(value) from marts.fct_school_measure"
        " where measure_code = 'entrants' and period = '2012-2013' group by 1 order by 1"
    ).fetchall()
    assert [(code, int(value)) for code, value in rows] == [(A, 150), (None, 7)]


def test_history_tells_what_a_code_became(marts: psycopg.Connection) -> None:
    rows = marts.execute(
        "select region_code, is_current, valid_to, current_region_code"
        " from marts.dim_region_history where region_code in ('450404', '450411', '450406')"
        " order by 1"
    ).fetchall()
    assert rows == [
        ("450404", False, "2013-02", A),
        ("450406", True, None, "450406"),
        ("450411", False, "2003", None),
    ]
