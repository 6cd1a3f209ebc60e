"""Vocational education, mobility and inclusion on the mini city, against numbers by hand."""

import psycopg

from tests.dbt.mini_city import CITY, V1, A, B, M
from tests.dbt.test_mini_city import near, number, value


def test_programmes_that_match_the_directory(marts: psycopg.Connection) -> None:
    """990101 and 990102 (two chains, counted once) of three in operation; 990104 is closed."""
    assert number(marts, "VOC-06") == near(100 * 2 / 3)
    assert number(marts, "VOC-06", M) == near(100 * 2 / 3)
    assert number(marts, "VOC-06", V1) == near(100 * 2 / 3)
    assert value(marts, "VOC-06", period="2024-2025") is None


def test_dual_qualified_teachers(marts: psycopg.Connection) -> None:
    """4 + 1 (from that day) + 1 (to that day) of ten who teach a profession."""
    found = value(marts, "VOC-04")
    assert found is not None
    assert (found["numerator"], found["denominator"], found["value"]) == (6, 10, 60)
    assert (found["expected"], found["reporting"]) == (1, 1)


def test_conditions_are_judged_by_value_and_standard(marts: psycopg.Connection) -> None:
    """2025 all three met; 2024 a 是 that the numbers contradict; 2023 an item nobody judged."""
    assert number(marts, "VOC-05") == 100
    assert number(marts, "VOC-05", period="2024-2025") == 0
    assert value(marts, "VOC-05", period="2023-2024") is None


def test_moves_count_when_completed_in_the_year(marts: psycopg.Connection) -> None:
    """12 + 3 (the last day) to V1, 11 back to C1; both schools belong to the city itself."""
    assert number(marts, "VOC-02") == 15
    assert number(marts, "VOC-02", M) == 15
    assert number(marts, "VOC-03") == 11
    # a county without moves has 0 in a published year, and a year without moves too
    assert number(marts, "VOC-02", A) == 0
    assert number(marts, "VOC-03", period="2024-2025") == 0
    assert value(marts, "VOC-02", period="2023-2024") is None


def test_rotation(marts: psycopg.Connection) -> None:
    """20 + 0 + 30 + 10 of 80 + 20 + 100 + 100; P3, T1 and J1 sent nothing."""
    found = value(marts, "TCH-06")
    assert found is not None
    assert (found["numerator"], found["denominator"], found["value"]) == (60, 300, 20)
    assert (found["expected"], found["reporting"]) == (7, 4)
    assert number(marts, "TCH-06", A) == near(100 * 20 / 100)
    assert number(marts, "TCH-06", B) == 30


def test_backbone_among_those_who_rotated(marts: psycopg.Connection) -> None:
    """10 of 20 and 0 of 30; P2 rotated nobody (0 of 0), C1's share is unknown and stays out."""
    found = value(marts, "TCH-07")
    assert found is not None
    assert (found["numerator"], found["denominator"], found["value"]) == (10, 50, 20)
    assert (found["expected"], found["reporting"]) == (7, 3)


def test_children_with_disabilities(marts: psycopg.Connection) -> None:
    """380 of 400 and 170 of 200; five counties are missing."""
    found = value(marts, "CMP-17", CITY)
    assert found is not None
    assert found["value"] == near(100 * 550 / 600)
    assert (found["expected"], found["reporting"]) == (7, 2)
    assert number(marts, "CMP-17", A) == 95
    assert number(marts, "CMP-17", B) == 85


def test_numbers_of_students_and_teachers_stop_at_raw(marts: psycopg.Connection) -> None:
    """No student, teacher or name of these lists below raw."""
    columns = marts.execute(
        "select table_name || '.' || column_name from information_schema.columns"
        " where table_schema in ('staging', 'intermediate', 'marts')"
        " and table_name ~ '(mobility|vocational|inclusion)'"
        " and column_name in ('student_no', 'teacher_no', 'name')"
    ).fetchall()
    assert columns == []


def test_of_which_rows_of_the_older_series(marts: psycopg.Connection) -> None:
    """其中:寄宿生 of 2015 is the #寄宿生 of today."""
    rows = marts.execute(
        "select measure_code, value from intermediate.int_school__measures"
        " where reporter_code = %s and period = '2015-2016' and value > 0",
        (A,),
    ).fetchall()
    assert {code: float(count) for code, count in rows} == {"pupils": 380, "pupils_boarding": 55}


def test_nine_year_retention_has_no_school_level(marts: psycopg.Connection) -> None:
    """Who entered primary school belongs to a county, not to the junior school of today."""
    rows = marts.execute(
        "select distinct region_level from marts.ind_value"
        " where indicator_code = 'CMP-13' and value is not null"
    ).fetchall()
    assert sorted(rows) == [("city",), ("county",)]
