"""Two sources of the same thing on the mini city: every verdict worked out by hand."""

from importlib import resources

import psycopg
import pytest

from tests.dbt.mini_city import C1, J1, K1, K2, K3, N1, P1, P2, T1, A, B

Y25 = "2025-2026"

# code, unit, period, left, right, status
PAIRS = [
    # 60 on roll against 200 in the form: far beyond 2 % (4) and 5 pupils
    ("ROLL-P", P1, Y25, 60, 200, "breach"),
    ("ROLL-P", N1, Y25, 120, 120, "ok"),
    # the teaching point has a form and nobody on roll
    ("ROLL-P", T1, Y25, None, 30, "one_side_missing"),
    ("ROLL-J", N1, Y25, 120, 100, "breach"),
    # on post 10 in primary and one more without a certificate; the form has 11
    ("TEA-P", P1, Y25, 11, 11, "ok"),
    ("TEA-J", J1, Y25, 12, 12, "ok"),
    # the nursery group is in neither; 2 children are within 5, 6 are not
    ("PRE", K1, Y25, 84, 86, "ok"),
    ("PRE", K2, Y25, 50, 56, "breach"),
    ("PRE", K3, Y25, None, 38, "one_side_missing"),
    # A: P1 is paid for 100, J1 for 100: 720 x 100 + 940 x 100; it got 100,000 yuan
    ("FIN-HEAD", A, "2025", 166_000, 100_000, "breach"),
    # B: N1 720 x 120 + 940 x 100 = 180,400, got 230,000: more is no breach
    ("FIN-HEAD", B, "2025", 180_400, 230_000, "ok"),
    # the payroll's thousand against the public schools' 11 + 12; P2's private six do not count
    ("PAY-T", A, "2025", 1000, 23, "breach"),
    # after-school pupils may be fewer than pupils, not more
    ("SVC", P2, Y25, 60, 100, "ok"),
    # 120 residents, 90 registered: 30 is a third, more than 25 %
    ("POP-PRE", A, Y25, 120, 90, "breach"),
    ("POP-PRE", B, Y25, 100, 90, "ok"),
]


@pytest.mark.parametrize(("code", "unit", "period", "left", "right", "status"), PAIRS)
def test_pair(
    marts: psycopg.Connection,
    code: str,
    unit: str,
    period: str,
    left: int | None,
    right: int,
    status: str,
) -> None:
    """Both sides, their difference and the verdict."""
    row = marts.execute(
        "select left_value, right_value, difference, status from marts.qa_reconciliation"
        " where code = %s and unit_code = %s and period = %s",
        (code, unit, period),
    ).fetchone()
    assert row is not None
    assert row == (left, right, None if left is None else left - right, status)


def test_the_attached_class_belongs_to_its_school(marts: psycopg.Connection) -> None:
    """P1's 20 attached children are in the form only, and the form's side leaves them out."""
    rows = marts.execute(
        "select count(*) from marts.qa_reconciliation where code = 'PRE' and unit_code in (%s, %s)",
        (P1, C1),
    ).fetchone()
    assert rows == (0,)


def test_an_incomplete_age_group_is_not_compared(marts: psycopg.Connection) -> None:
    """Registered persons of 6 to 11 are not delivered: no primary pair, not a zero."""
    rows = marts.execute(
        "select count(*) from marts.qa_reconciliation where code = 'POP-PRI'"
    ).fetchone()
    assert rows == (0,)


def test_a_part_that_is_not_reported_is_no_gap(marts: psycopg.Connection) -> None:
    """J1 sent no after-school figures: less than its pupils in any case."""
    rows = marts.execute(
        "select count(*) from marts.qa_reconciliation where comparison = '<='"
        " and left_value is null and not is_suppressed"
    ).fetchone()
    assert rows == (0,)


def test_a_period_of_one_source_alone_is_no_gap(marts: psycopg.Connection) -> None:
    """Teachers of 2023-2024 were delivered, the form of that year was not."""
    rows = marts.execute(
        "select count(*) from marts.qa_reconciliation where code = 'TEA-P' and period = '2023-2024'"
    ).fetchone()
    assert rows == (0,)


def test_every_breach_says_what_to_do(marts: psycopg.Connection) -> None:
    """A difference is explained in words and has a next step."""
    silent = marts.execute(
        "select count(*) from marts.qa_reconciliation where meaning_zh = '' or action_zh = ''"
    ).fetchone()
    assert silent == (0,)


def test_listing_names_the_worst_first(marts: psycopg.Connection) -> None:
    """`eduplan reconcile`: latest period of each kind, errors before warnings before notes."""
    query = (resources.files("eduplan") / "sql" / "listing" / "reconciliation.sql").read_bytes()
    everything = {"code": None, "period": None, "all": False}
    with marts.cursor(row_factory=psycopg.rows.dict_row) as cur:
        rows = cur.execute(query, everything).fetchall()
        within = cur.execute(query, everything | {"code": "TEA-P", "all": True}).fetchall()
        assert cur.execute(query, everything | {"period": "2019"}).fetchall() == []
    order = ["error", "warning", "info"]
    ranks = [order.index(row["severity"]) for row in rows]
    assert ranks == sorted(ranks) and set(ranks) == {0, 1, 2}
    assert {row["period"] for row in rows} == {"2025", "2025-2026"}
    assert "ok" not in {row["status"] for row in rows}
    assert {row["status"] for row in within} >= {"ok"}
    # the widest gap of a reconciliation first: P1 140, P2 80
    gaps = [row["unit_code"] for row in rows if row["code"] == "ROLL-P" and row["difference"]]
    assert gaps == [P1, P2]
