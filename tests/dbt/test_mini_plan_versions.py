"""Amended plans, projections and benchmarks on the mini city, worked out by hand."""

import csv
import math
from decimal import Decimal
from pathlib import Path

import numpy
import psycopg
import pytest

from tests.dbt.mini_city import CITY, A, B
from tests.dbt.test_mini_city import near, number

SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"
PLAN, AMENDED = "demo-2025-2027", "demo-2025-2027-amended"


def compare(conn: psycopg.Connection, code: str) -> dict[str, object]:
    """The city's row of the newest period in marts.ind_plan_comparison."""
    with conn.cursor(row_factory=psycopg.rows.dict_row) as cur:
        row = cur.execute(
            "select * from marts.ind_plan_comparison where indicator_code = %s"
            " and region_code = %s and amended_version = %s order by period_year desc limit 1",
            (code, CITY, AMENDED),
        ).fetchone()
    assert row is not None
    return row


# --- amended plans -------------------------------------------------------------------------------


def test_both_verdicts_stand_side_by_side(marts: psycopg.Connection) -> None:
    """PRE-03 is 53 %: too little for the original, on the straight line of the amendment."""
    # original by milestones: 54.5 due in 2025, step 60 - 52 = 8, short by 1.5 > 0.8: off track
    # amended, straight from 52 to 54.5: 52 + 2.5/3 = 52.833 due, 0.167 ahead: on track
    row = compare(marts, "PRE-03")
    assert (row["original_target_2027"], row["amended_target_2027"]) == (60, Decimal("54.5"))
    assert (row["original_status"], row["amended_status"]) == ("off_track", "on_track")
    assert float(row["original_distance"]) == near(-1.5)  # type: ignore[arg-type]
    assert float(row["amended_trajectory_value"]) == near(52 + 2.5 / 3)  # type: ignore[arg-type]
    assert float(row["amended_distance"]) == near(53 - 52 - 2.5 / 3)  # type: ignore[arg-type]
    assert (row["is_amended"], row["is_status_changed"]) == (True, True)


def test_a_withdrawn_target_judges_nothing(marts: psycopg.Connection) -> None:
    """PRE-11 (33.3 %) is met under the original (target 30); the amendment withdraws the target."""
    row = compare(marts, "PRE-11")
    assert (row["original_status"], row["amended_status"]) == ("met", "no_target")
    assert row["is_status_changed"] is True
    assert row["amended_target_2027"] is None


def test_what_an_amendment_leaves_out_is_inherited(marts: psycopg.Connection) -> None:
    """Every other indicator has the same verdict and target under both."""
    changed = marts.execute(
        "select count(*) from marts.ind_plan_comparison where not is_amended"
        " and (is_status_changed or original_target_2027 is distinct from amended_target_2027)"
    ).fetchone()
    assert changed == (0,)
    row = compare(marts, "TCH-01")
    assert row["is_amended"] is False
    assert float(row["amended_target_2027"]) == near(99.7)  # type: ignore[arg-type]


def test_an_amendment_is_in_force_from_its_adoption(marts: psycopg.Connection) -> None:
    """Adopted on 30 June 2026: the school year 2025-2026 ends after it, fiscal 2025 before."""
    assert compare(marts, "PRE-01")["is_in_force"] is True
    assert compare(marts, "FIN-03")["is_in_force"] is False


def test_seed_copies_no_row_of_the_original() -> None:
    """The amendment lists only what it changes."""
    with (SEEDS / "target.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    numbers = [name for name in rows[0] if name not in ("plan_version", "source_document")]
    by_plan = {
        plan: {tuple(row[name] for name in numbers) for row in rows if row["plan_version"] == plan}
        for plan in (PLAN, AMENDED)
    }
    assert by_plan[AMENDED] and not by_plan[AMENDED] & by_plan[PLAN]


# --- projections ---------------------------------------------------------------------------------


def projection(conn: psycopg.Connection, code: str, region: str = CITY) -> dict[str, object]:
    """The row of marts.ind_projection under the demonstration plan."""
    with conn.cursor(row_factory=psycopg.rows.dict_row) as cur:
        row = cur.execute(
            "select * from marts.ind_projection where plan_version = %s and indicator_code = %s"
            " and region_code = %s",
            (PLAN, code, region),
        ).fetchone()
    assert row is not None
    return row


def test_projection_is_the_least_squares_line(marts: psycopg.Connection) -> None:
    """TCH-03: 80, 84 and 100 x 55/57; numpy's line and the textbook's interval say the same."""
    years = numpy.array([2023.0, 2024.0, 2025.0])
    values = numpy.array([80.0, 84.0, 100 * 55 / 57])
    slope, start = numpy.polyfit(years - 2024, values, 1)
    line = start + slope * 3
    residuals = values - (start + slope * (years - 2024))
    spread = math.sqrt(float(residuals @ residuals) / 1 * (1 + 1 / 3 + 9 / 2))
    row = projection(marts, "TCH-03")
    assert row["point_count"] == 3
    assert float(row["yearly_change"]) == pytest.approx(slope, rel=1e-6)  # type: ignore[arg-type]
    # 107.7 % of the teachers cannot be certified: cut at 100 and said so
    assert line > 100
    assert row["projected_value"] == 100
    assert float(row["interval_low"]) == pytest.approx(  # type: ignore[arg-type]
        line - 12.706205 * spread, rel=1e-6
    )
    assert (row["interval_high"], row["is_clipped"]) == (100, True)
    assert (row["target_position"], row["outlook"]) == ("inside", "open")


def test_never_from_fewer_than_three_years(marts: psycopg.Connection) -> None:
    """B has teachers in 2025 only; nothing has a projection from fewer than three values."""
    row = projection(marts, "TCH-03", B)
    assert (row["point_count"], row["projected_value"]) == (1, None)
    assert row["no_projection_reason"] == "fewer_than_three"
    wrong = marts.execute(
        "select count(*) from marts.ind_projection where projected_value is not null"
        " and (point_count < 3 or interval_low > projected_value"
        " or no_projection_reason is not null)"
        " or projected_value is null and no_projection_reason is null"
    ).fetchone()
    assert wrong == (0,)
    assert projection(marts, "TCH-03", A)["projected_value"] is not None


def test_t_quantiles_are_those_of_the_distribution() -> None:
    """For one and two degrees of freedom the distribution has a closed form."""
    with (SEEDS / "t_quantile.csv").open() as handle:
        table = {int(r["degrees_of_freedom"]): float(r["t_975"]) for r in csv.DictReader(handle)}
    assert table[1] == pytest.approx(math.tan(math.pi * 0.475), abs=1e-6)
    # F(t) = 1/2 + t / (2 sqrt(2 + t^2)): t = p sqrt(2 / (1 - p^2)) with p = 0.95
    assert table[2] == pytest.approx(0.95 * math.sqrt(2 / (1 - 0.95**2)), abs=1e-6)
    assert min(table) == 1 and list(table.values()) == sorted(table.values(), reverse=True)
    assert table[30] == pytest.approx(2.0423, abs=5e-5)


# --- benchmarks ----------------------------------------------------------------------------------

PUBLISHED = {
    # 2024年全国教育事业发展统计公报
    ("PRE-01", "all", "全国", 2024): 92.0,
    ("PRE-02", "all", "全国", 2024): 91.61,
    ("CMP-13", "all", "全国", 2024): 95.9,
    ("SEN-01", "all", "全国", 2024): 92.0,
    ("TCH-09", "senior", "全国", 2024): 12.7,
    # 教财〔2025〕5号
    ("FIN-03", "all", "全国", 2024): 14.58,
    ("FIN-04", "all", "全国", 2024): 4.02,
    # 教育部2024-03-01新闻发布会; 4092.98 children and 307.37 teachers (万) are 13.316
    ("PRE-04", "all", "全国", 2023): 13.32,
    ("TCH-02", "primary", "全国", 2023): 78.03,
    ("PRE-01", "all", "广西", 2023): 93.0,
}


def test_published_figures_are_as_published() -> None:
    """The headline figures, typed off the publications a second time."""
    with (SEEDS / "benchmark.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    found = {
        (r["indicator_code"], r["stage"], r["area"], int(r["period_year"])): float(r["value"])
        for r in rows
    }
    assert {key: found.get(key) for key in PUBLISHED} == PUBLISHED
    assert round(4092.98 / 307.37, 2) == found[("PRE-04", "all", "全国", 2023)]
    assert all(r["source_document"] and r["confidence"] in ("high", "medium") for r in rows)
    # A target of a plan is no figure, and nothing is remembered instead of read.
    assert not [
        r for r in rows if "目标" in r["published_name_zh"] or "记忆" in r["source_document"]
    ]


def test_benchmark_beside_the_citys_nearest_year(marts: psycopg.Connection) -> None:
    """CMP-13: city 2025 is 100 x 160/170; the newest national figure is of 2024."""
    row = marts.execute(
        "select city_period, city_value, difference, is_latest from marts.ind_benchmark"
        " where indicator_code = 'CMP-13' and area = '全国' and period_year = 2024"
    ).fetchone()
    assert row is not None
    assert (row[0], row[3]) == ("2025-2026", True)
    assert float(row[2]) == near(100 * 160 / 170 - 95.9)
    # A figure of one stage meets that stage of the indicator: 9 of 11 primary classes within 45,
    # 2 of 11 over 55.
    stage = marts.execute(
        "select city_value from marts.ind_benchmark where indicator_code = 'CMP-11'"
        " and stage = 'primary'"
    ).fetchone()
    assert stage is not None
    assert float(stage[0]) == near(
        number(marts, "CMP-11", breakdown="stage", part="primary") or math.nan
    )


# --- international definitions -------------------------------------------------------------------


def test_average_class_size_stands_beside_the_shares(marts: psycopg.Connection) -> None:
    """450 primary pupils in 11 classes, 500 junior pupils in 10; the shares are no class size."""
    assert number(marts, "CMP-10#1") == near(450 / 11)
    assert number(marts, "CMP-10#2") == near(500 / 10)
    words = dict(
        marts.execute(
            "select indicator_code, match_status from ref.intl_match"
            " where international_indicator = 'OECD average class size'"
        ).fetchall()
    )
    assert words == {
        "CMP-10": "does not match",
        "CMP-11": "does not match",
        "CMP-12": "does not match",
        "CMP-10#1": "match with caveat",
        "CMP-10#2": "match with caveat",
    }
