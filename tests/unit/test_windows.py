"""Deadlines of contracts as days, and what counts as far from former years; all by hand."""

import datetime as dt
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eduplan.errors import ContractError
from eduplan.quality.compare import Figure, compare, judge
from eduplan.quality.windows import Window, windows
from tests.landing_support import contract


def made(kind: str, deadline: str, window: str = "", **more: Any) -> list[Window]:
    first = {"school_year": "2025-2026"}.get(kind, "2025")
    from dataclasses import replace

    base = contract(period_kind=kind, period_range=(first, first))
    sla = {"deadline": deadline} | ({"window": window} if window else {})
    return windows(replace(base, sla=sla), more.get("years", range(2025, 2027)))


@pytest.mark.parametrize(
    ("kind", "deadline", "window", "opens", "due"),
    [
        ("school_year", "09-20", "09-01/09-30", "2025-09-01", "2025-09-20"),
        ("school_year", "12-31", "11-01/01-31", "2025-11-01", "2025-12-31"),
        ("school_year", "01-20", "01-05/02-10", "2026-01-05", "2026-01-20"),
        # The window opens in the old year, the deadline lies in the new one.
        ("school_year", "01-10", "12-20/01-31", "2025-12-20", "2026-01-10"),
        ("fiscal_year", "04-30", "03-01/05-31", "2026-03-01", "2026-04-30"),
        ("fiscal_year", "09-30", "03-01/10-31", "2026-03-01", "2026-09-30"),
        # Open all year: from the first day of the period.
        ("fiscal_year", "01-20", "01-01/12-31", "2025-01-01", "2026-01-20"),
        ("year", "10-31", "10-01/11-30", "2025-10-01", "2025-10-31"),
        ("year", "01-31", "01-01/12-31", "2025-01-01", "2026-01-31"),
        ("year", "02-29", "", "2025-01-01", "2026-02-28"),
        ("school_year", "09-20", "", "2025-09-01", "2025-09-20"),
    ],
)
def test_the_period_gives_a_deadline_its_year(
    kind: str, deadline: str, window: str, opens: str, due: str
) -> None:
    (found,) = made(kind, deadline, window)
    assert (found.opens_on.isoformat(), found.due_on.isoformat()) == (opens, due)


def test_lists_without_periods_are_due_each_year() -> None:
    found = made("none", "09-15", "01-01/12-31")
    assert [(w.period, str(w.opens_on), str(w.due_on)) for w in found] == [
        ("2025", "2025-01-01", "2025-09-15"),
        ("2026", "2026-01-01", "2026-09-15"),
    ]
    without = made("none", "12-31", years=range(2025, 2026))
    assert [(str(w.opens_on), str(w.due_on)) for w in without] == [("2025-01-01", "2025-12-31")]


def test_platforms_are_due_each_month_for_the_month_before() -> None:
    found = made("none", "31", years=range(2025, 2026))
    assert len(found) == 12
    assert [(w.period, str(w.opens_on), str(w.due_on)) for w in (found[0], found[-1])] == [
        ("2025-01", "2025-02-01", "2025-02-28"),  # February has no 31st
        ("2025-12", "2026-01-01", "2026-01-31"),
    ]


@pytest.mark.parametrize("deadline", ["soon", "13-01", "02-30", "9-20", "31"])
def test_a_deadline_that_is_no_day_is_named(deadline: str) -> None:
    with pytest.raises(ContractError, match="is no day of a year"):
        made("school_year", deadline)


def test_every_contract_of_the_project_has_windows() -> None:
    from pathlib import Path

    from eduplan.contract import load_contracts

    project = Path(__file__).resolve().parents[2]
    contracts = load_contracts(project / "expectations")
    for found in contracts.values():
        for window in windows(found, range(2025, 2026)):
            assert window.opens_on <= window.due_on, window
    (year,) = [w for w in windows(contracts["students"], range(0)) if w.period == "2025-2026"]
    assert (year.opens_on, year.due_on) == (dt.date(2025, 9, 1), dt.date(2025, 9, 20))


def rows(value: float) -> Figure:
    return Figure("", "row_count", "", value)


def share(value: float) -> Figure:
    return Figure("", "filled_share", "phone", value)


def test_three_former_years_give_a_robust_score() -> None:
    # Median 100, deviations 2, 0, 4: median 2, scaled 2.97; but the floor is 5 % of 100.
    found = judge(rows(79), [98, 100, 104], 79)
    assert found is not None
    assert (found.expected, found.spread, found.score) == (100, 5, -4.2)
    assert judge(rows(81), [98, 100, 104], 81) is None  # 3.8 spreads
    # Years that differ much are judged mildly: deviations 40, 0, 50, scaled 59.3.
    assert judge(rows(300), [60, 100, 150], 300) is None
    far = judge(rows(400), [60, 100, 150], 400)
    assert far is not None and round(far.score, 2) == 5.06


def test_one_wild_year_among_four_does_not_hide_the_next() -> None:
    found = judge(rows(900), [100, 101, 99, 1000], 900)
    assert found is not None and found.expected == 100.5


def test_fewer_years_are_compared_by_bounds() -> None:
    assert judge(rows(150), [100, 100], 150) is None
    double = judge(rows(201), [100, 100], 201)
    assert double is not None and double.spread is None
    assert double.score == math.log2(202 / 101) == 1.0
    none = judge(rows(0), [99], 0)
    assert none is not None and none.score == -math.log2(100)
    assert judge(share(0.79), [0.95], 1000) is not None
    assert judge(share(0.81), [0.95], 1000) is None
    assert judge(share(0.5), [], 1000) is None


def test_shares_of_few_rows_may_stray_further() -> None:
    # Of 50 rows a share of 0.5 strays by 0.0707 by chance: 4 times that is 0.283.
    assert judge(share(0.3), [0.5], 50) is None
    assert judge(share(0.2), [0.5], 50) is not None


@given(
    st.lists(st.floats(1, 1e9), min_size=3, max_size=7),
    st.floats(1, 1e9),
    st.floats(0.01, 100),
)
def test_the_unit_does_not_matter(before: list[float], value: float, scale: float) -> None:
    """Yuan or 万元: the score of a total is the same."""
    one = judge(Figure("", "total", "m", value), before, 0)
    other = judge(Figure("", "total", "m", value * scale), [b * scale for b in before], 0)
    if one is not None and abs(abs(one.score) - 4) > 1e-6:
        assert other is not None and math.isclose(one.score, other.score, rel_tol=1e-6)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=7))
def test_what_was_always_so_is_never_far(before: list[float]) -> None:
    middle = sorted(before)[len(before) // 2]
    if len(before) % 2:
        assert judge(Figure("", "median", "m", middle), before, 0) is None


def test_new_and_vanished_codes_and_counties_are_seen() -> None:
    former = {
        "2023-2024": {("", "row_count", ""): 1000.0, ("A", "row_count", ""): 60.0,
                      ("", "code_share:1", "status"): 1.0},
    }  # fmt: skip
    now = [
        Figure("", "row_count", "", 1000),
        Figure("", "code_share:1", "status", 0.7),
        Figure("", "code_share:2", "status", 0.3),
    ]
    found = {
        (a.figure.county, a.figure.metric): (a.figure.value, a.expected)
        for a in compare(now, former)
    }
    assert found == {
        ("", "code_share:1"): (0.7, 1.0),
        ("", "code_share:2"): (0.3, 0.0),
        ("A", "row_count"): (0.0, 60.0),
    }


def test_shares_of_a_handful_of_rows_are_not_judged() -> None:
    former = {"2023-2024": {("", "row_count", ""): 40.0, ("", "filled_share", "phone"): 1.0}}
    now = [Figure("", "row_count", "", 45), Figure("", "filled_share", "phone", 0.0)]
    assert compare(now, former) == []
