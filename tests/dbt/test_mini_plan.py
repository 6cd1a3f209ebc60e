"""Tasks, projects, funds, pay and lists on the mini city, against numbers worked out by hand.

The sheets are in `parts/plan.py`.
"""

import datetime as dt

import psycopg
import pytest

from tests.dbt.mini_city import CITY, A, B, M
from tests.dbt.parts.plan import T_COUNTY, Y21
from tests.dbt.test_mini_city import near, number, value

VALUES = [
    # due on 30 September 2025: T01 T02 T03 T04 T11 T12; accepted in time: T01
    ("TSK-01", CITY, "2025", 100 / 6),
    # T04 is the county's own
    ("TSK-01", B, "2025", 0),
    # ... on 31 March 2026: these and T10 (31 December), accepted in time: T01 T10
    ("TSK-01", CITY, "2026", 200 / 7),
    # T03 (基本完成) T04 T11 (never reported) T12 (100 % and not accepted)
    ("TSK-02", CITY, "2025", 4),
    ("TSK-02", B, "2025", 1),
    ("TSK-02", A, "2025", 0),
    # T03 was accepted, late
    ("TSK-02", CITY, "2026", 3),
    # accepted and live at the end of the year; live without acceptance is not enough
    ("DIG-01", CITY, "2025", 1),
    ("DIG-01", CITY, "2026", 2),
    # completed in the year and in use: 810 + 1080
    ("CMP-23", CITY, "2025", 1890),
    ("CMP-23", A, "2025", 810),
    ("CMP-23", T_COUNTY, "2025", 0),
    # newest month of each fund: (60 - 2 + 30) / (120 + 50 + 30)
    ("FIN-06", CITY, "2025", 100 * 88 / 200),
    ("FIN-06", A, "2025", 100 * 58 / 170),
    # (40,000 + 25,000 + 5,000 of the city's own budget) / 1,500,000
    ("FIN-04", CITY, "2025", 100 * 70_000 / 1_500_000),
    ("FIN-04", A, "2025", 4),
    # 万元: 9,000 + 5,500 + 1,200 over 1000 x 10 + 500 x 10 + 100 x 12
    ("TCH-08", CITY, "2025", 15_700 / 16_200),
    ("TCH-08", A, "2025", 0.9),
    ("TCH-08", M, "2025", 1),
    # P1 and K1 (the only name of its county that ends so) of 10 schools; 小学 fits three schools,
    # N1's has run out, a teaching point is no school
    ("MOR-02", CITY, "2025-2026", 20),
    ("MOR-02", A, "2025-2026", 40),
    # a day before N1 was still valid: P1 K1 N1
    ("MOR-02", CITY, "2024-2025", 30),
    # K1 of three; K2 is in a district, no group
    ("PRE-10", CITY, "2025-2026", 100 / 3),
    ("PRE-10", B, "2025-2026", 0),
    # A since December 2024, B one day too late
    ("PRE-12", CITY, "2025-2026", 1),
    ("PRE-12", CITY, "2024-2025", 0),
    ("PRE-12", B, "2025-2026", 0),
    ("CMP-22", CITY, "2025-2026", 1),
    ("CMP-22", A, "2025-2026", 1),
    # P1 (twice) J1 N1 of P1 P2 P3 N1 C1 J1; P2's group has ended, T1 is a teaching point
    ("CMP-20", CITY, "2025-2026", 50),
    ("CMP-20", A, "2025-2026", 50),
    # ... a year before P2 was in one
    ("CMP-20", CITY, "2024-2025", 100 * 4 / 6),
    # 甲; 乙 was recognised one day later, 丙 has ended
    ("CMP-21", CITY, "2025-2026", 1),
    ("CMP-21", B, "2025-2026", 0),
    # H1 in preparation, H2 recognised (and still on the older list); H3 a day late, H4 lapsed
    ("SEN-02", CITY, Y21, 2),
    ("SEN-02#1", CITY, Y21, 1),
    ("SEN-02#2", CITY, Y21, 1),
    ("SEN-02", B, Y21, 2),
    ("SEN-02", CITY, "2025-2026", 1),
    ("SEN-02#2", CITY, "2025-2026", 0),
    # H1 and H3 of H1 H2 H3; H4 stands in a district
    ("SEN-05", CITY, Y21, 100 * 2 / 3),
    ("SEN-05", B, Y21, 50),
    # H1; H2's agreement has ended
    ("SEN-06", CITY, Y21, 100 / 3),
    ("SEN-06", B, Y21, 50),
]


@pytest.mark.parametrize(("code", "region", "period", "expected"), VALUES)
def test_value(
    marts: psycopg.Connection, code: str, region: str, period: str, expected: float
) -> None:
    assert number(marts, code, region, period) == near(expected)


def test_coverage(marts: psycopg.Connection) -> None:
    """A list covers every school, a sheet the counties that stand in it."""
    for code, period in (
        ("MOR-02", "2025-2026"),
        ("CMP-20", "2025-2026"),
        ("TSK-01", "2025"),
        ("SEN-05", Y21),
    ):
        assert (value(marts, code, CITY, period) or {})["coverage"] == 100, code
    # A, B and the city's own budget of 7 counties and the city
    assert (value(marts, "FIN-04", CITY, "2025") or {})["coverage"] == near(100 * 3 / 8)


def test_lists_do_not_speak_for_years_before_them(marts: psycopg.Connection) -> None:
    """Groups begin in September 2023: nothing is known of 2021."""
    assert value(marts, "CMP-21", CITY, Y21) is None


TASKS = {
    "T01": ("date", dt.date(2025, 6, 30), "done_on_time", 100, "2025Q3"),
    "T02": ("date", dt.date(2025, 6, 30), "done_late", 100, "2025Q3"),
    "T03": ("date", dt.date(2025, 9, 30), "overdue", None, "2025Q3"),
    "T04": ("date", dt.date(2025, 6, 30), "overdue", 80, "2025Q1"),
    "T05": ("yearly", dt.date(2025, 12, 31), "in_progress", 50, "2025Q3"),
    "T06": ("ongoing", None, "ongoing", None, "2025Q3"),
    "T07": ("date", dt.date(2027, 12, 31), "not_started", 0, "2025Q3"),
    "T08": ("date", dt.date(2026, 6, 30), "no_report", None, None),
    "T09": ("unreadable", None, "done_no_deadline", 100, "2025Q1"),
    "T10": ("date", dt.date(2025, 12, 31), "done_on_time", 100, "2025Q3"),
    "T11": ("date", dt.date(2025, 6, 30), "overdue", None, None),
    "T12": ("date", dt.date(2025, 6, 30), "overdue", 100, "2025Q3"),
    "T13": ("yearly", dt.date(2025, 12, 31), "no_report", None, None),
}


def test_tasks(marts: psycopg.Connection) -> None:
    """Deadline, status and progress of each task on 30 September 2025."""
    found = {
        code: (rule, due, status, None if pct is None else float(pct), quarter)
        for code, rule, due, status, pct, quarter in marts.execute(
            "select task_code, deadline_rule, due_date, status, progress_pct, latest_quarter"
            " from marts.fct_task where fiscal_year = 2025"
        )
    }
    assert found == TASKS
    # The yearly task starts anew, and nothing was reported of it in 2026.
    again = marts.execute(
        "select due_date, status, is_due from marts.fct_task"
        " where fiscal_year = 2026 and task_code = 'T05'"
    ).fetchone()
    assert again == (dt.date(2026, 12, 31), "no_report", False)
    # Last year's acceptance does not finish this year's turn.
    carried = marts.execute(
        "select status, acceptance_date from marts.fct_task"
        " where fiscal_year = 2026 and task_code = 'T13'"
    ).fetchone()
    assert carried == ("in_progress", None)


def test_names_of_owners(marts: psycopg.Connection) -> None:
    """教育局 is 市教育局; the first of two owners leads; a county's office is of the county."""
    found = {
        code: rest
        for code, *rest in marts.execute(
            "select task_code, owner_name, co_owner_names, owner_region_code from marts.fct_task"
            " where fiscal_year = 2025"
        )
    }
    assert found["T01"] == ["市教育局", "市财政局、市人力资源社会保障局", M]
    assert found["T03"] == ["市教育局", None, M]
    assert found["T04"] == ["苍梧县教育局", "市教育局", B]
    assert found["T07"] == ["市教育局", "市发展改革委、市财政局", M]
