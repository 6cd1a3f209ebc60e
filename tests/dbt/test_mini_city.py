"""Every indicator kind on the mini city, against numbers worked out by hand.

The sheets are in `mini_city.py`; each expected value shows its arithmetic.
"""

import math

import psycopg
import pytest

from tests.dbt.mini_city import C1, CITY, J1, K1, N1, P1, P2, P3, T1, A, B, M

Found = dict[str, float | int | None]


def value(
    conn: psycopg.Connection,
    code: str,
    region: str = CITY,
    period: str = "2025-2026",
    breakdown: str = "all",
    part: str = "all",
) -> Found | None:
    """Return one row of marts.ind_value, or None when there is none."""
    row = conn.execute(
        "select value, numerator, denominator, expected_units, reporting_units, coverage_pct"
        " from marts.ind_value where indicator_code = %s and region_code = %s and period = %s"
        " and breakdown = %s and breakdown_value = %s",
        (code, region, period, breakdown, part),
    ).fetchone()
    if row is None:
        return None
    names = ("value", "numerator", "denominator", "expected", "reporting", "coverage")
    return {
        name: None if cell is None else float(cell) for name, cell in zip(names, row, strict=True)
    }


def number(conn: psycopg.Connection, code: str, *args: str, **kwargs: str) -> float | None:
    """Return only the value."""
    found = value(conn, code, *args, **kwargs)
    return None if found is None else found["value"]


def near(expected: float) -> object:
    """Compare at nine digits."""
    return pytest.approx(expected, rel=1e-9)


# --- ratio ---------------------------------------------------------------------------------------

CITY_VALUES = [
    # in-post full-time teachers: 13 of 14 kindergarten, 23 of 24 primary, 33/33, 5/5, 2/2
    ("TCH-01", 100 * 76 / 78),
    # above the required degree (bulletin): 11 of 14, 13 of 24, 30 of 33, 1 of 5
    ("TCH-02", 100 * 55 / 76),
    # 24 + 33 compulsory teachers; P1 one without certificate, J1 one certificate without number
    ("TCH-03", 100 * 55 / 57),
    # 72 hours after 15 years are too few; 100 after one year are enough
    ("TCH-04", 100 * 56 / 57),
    # P1 6,000 of 100,000 yuan; N1 9,200 of 230,000
    ("TCH-05", 100 * 15_200 / 330_000),
    # 450 + 500 + 100 + 40 pupils; 24 + 33 + 5 + 2 teachers
    ("TCH-09", 1090 / 64),
    # children without the 10 in the nursery group: 86 + 20 attached + 56 + 38 = 200 of 120 + 100
    ("PRE-01", 100 * 200 / 220),
    # public 86 + 20, recognised private 56; K3's recognition ended on 31 August
    ("PRE-02", 100 * 162 / 200),
    ("PRE-03", 100 * 106 / 200),
    # teachers: P1 1, K1 8, K2 3, K3 2
    ("PRE-04", 200 / 14),
    # classes within size: K1 2 of 3, P1 1 of 1, K2 1 of 2, K3 2 of 2
    ("PRE-05", 100 * 6 / 8),
    ("PRE-11", 100 * 1 / 3),
    # 专科 and above counts in primary here: P1 10, P2 5, T1 0, N1 6
    ("CMP-01P", 100 * 21 / 450),
    # 本科 and above: N1 6, C1 12, J1 12
    ("CMP-01J", 100 * 30 / 500),
    # valid on 1 September, county level or higher: P1 2, P2 1, N1 2; T1 has no teacher on file
    ("CMP-02P", 100 * 5 / 420),
    ("CMP-02J", 100 * 4 / 500),
    ("CMP-03P", 100 * 5 / 450),
    ("CMP-03J", 100 * 5 / 500),
    # rooms without sports rooms: P1 1000, P2 450, T1 300, N1 600 of its 1150
    ("CMP-04P", 2350 / 450),
    # N1 550, C1 1210 of its 1870, J1 900
    ("CMP-04J", 2660 / 500),
    # ground + sports rooms: P1 1600, P2 600, T1 300, N1 1200 of 2300
    ("CMP-05P", 3700 / 450),
    # N1 1100, C1 1760 of 2720; J1 sent no 5176
    ("CMP-05J", 2860 / 320),
    # 万元: P1 50, P2 20, T1 3, N1 69 x 120/230 = 36
    ("CMP-06P", 109 * 10_000 / 450),
    # N1 33, C1 93.5 x 242/374 = 60.5
    ("CMP-06J", 93.5 * 10_000 / 320),
    # P1 4, P2 5, T1 1, N1 12
    ("CMP-07P", 100 * 22 / 450),
    # N1 11, C1 9 x 242/374
    ("CMP-07J", 100 * (11 + 9 * 242 / 374) / 320),
    # within 45: 9 of 11 classes; within 50: 6 of 10
    ("CMP-10", 100 * 15 / 21),
    ("CMP-11", 100 * 4 / 21),
    ("CMP-12", 100 * 1 / 21),
    # aged 6 to 11 and in primary: P1 50, P2 20, N1 120
    ("CMP-15", 100 * 190 / 250),
    ("CMP-16", 100 * 500 / 525),
    # migrants: P1 10 public, P2 5 private of whom 2 purchased
    ("CMP-18", 100 * 12 / 15),
    # 100 senior + 40 vocational of 175; B has no such school but has the residents
    ("SEN-01", 100 * 140 / 175),
    ("SEN-03", 100 * 1 / 2),
    ("SEN-04", 100 * 1 / 5),
    # V1 30 new (10 repeat), C1 100
    ("VOC-01", 30 / 100),
    # terminals: P1 20, P2 10, T1 3, N1 46, C1 22 of 34; pupils 450 + 100 + 220
    ("DIG-10", 100 * 101 / 770),
]


@pytest.mark.parametrize(("code", "expected"), CITY_VALUES)
def test_city_value(marts: psycopg.Connection, code: str, expected: float) -> None:
    """The whole city."""
    period = "2025" if code == "TCH-05" else "2025-2026"
    assert number(marts, code, CITY, period) == near(expected)


def test_two_meanings_of_above_the_required_degree(marts: psycopg.Connection) -> None:
    """The bulletin counts 本科 in primary schools, the balance rule 专科 already."""
    # bulletin: P1 8, P2 0, N1 5 of 24 teachers
    assert number(marts, "TCH-02", breakdown="stage", part="primary") == near(100 * 13 / 24)
    # balance: P1 alone 10 (8 本科 + 2 专科) for 200 pupils
    assert number(marts, "CMP-01P", P1) == near(5.0)
    # P2 has 专科 only: none above for the bulletin, five for the balance rule
    assert number(marts, "TCH-02", P2) == 0
    assert number(marts, "CMP-01P", P2) == near(5.0)


def test_equipment_form_is_in_10k_yuan(marts: psycopg.Connection) -> None:
    """50.00 万元 over 200 pupils are 2500 yuan a pupil."""
    assert number(marts, "CMP-06P", P1) == near(2500)


def test_breakdowns_add_up(marts: psycopg.Connection) -> None:
    """Place, ownership and stage parts add to the whole."""
    assert number(marts, "CMP-10", breakdown="stage", part="primary") == near(100 * 9 / 11)
    assert number(marts, "CMP-10", breakdown="stage", part="junior") == near(60)
    whole = value(marts, "CMP-10") or {}
    for breakdown in ("urban_rural", "ownership", "stage"):
        parts = marts.execute(
            "select sum(numerator), sum(denominator), sum(expected_units) from marts.ind_value"
            " where indicator_code = 'CMP-10' and region_code = %s and breakdown = %s"
            " and period = '2025-2026'",
            (CITY, breakdown),
        ).fetchone()
        assert parts is not None
        assert [float(part) for part in parts] == [
            whole["numerator"],
            whole["denominator"],
            whole["expected"],
        ]
    # P2 is the only private school: 1 of 2 classes within size
    assert number(marts, "CMP-10", breakdown="ownership", part="private") == near(50)


# --- shared resources ----------------------------------------------------------------------------


def test_stage_split(marts: psycopg.Connection) -> None:
    """R/(P + 1.1 J) a primary pupil and 1.1 of that a junior one; complete schools 1 : 1.2."""
    assert number(marts, "CMP-04P", N1) == near(1150 / (120 + 1.1 * 100))
    assert number(marts, "CMP-04J", N1) == near(1.1 * 1150 / (120 + 1.1 * 100))
    assert number(marts, "CMP-04J", C1) == near(1870 / (220 + 1.2 * 100))


def test_split_parts_add_back(marts: psycopg.Connection) -> None:
    """The parts of a school are the school."""
    rows = marts.execute(
        "select reporter_code, measure_code, sum(value) filter (where stage <> 'all'),"
        " sum(value) filter (where stage = 'all') from marts.fct_school_measure"
        " where measure_code in ('teaching_area', 'sports_area', 'equipment_value_yuan',"
        " 'multimedia_classrooms', 'public_appropriation_yuan') and reporter_code in (%s, %s)"
        " group by 1, 2",
        (N1, C1),
    ).fetchall()
    assert len(rows) == 9
    for school, measure, parts, whole in rows:
        assert float(parts) == near(float(whole)), (school, measure)


# --- dispersion ----------------------------------------------------------------------------------


def test_weighted_cv_is_not_the_unweighted(marts: psycopg.Connection) -> None:
    """County A, classrooms per 100 pupils: P1 2.0 (200 pupils), P2 5.0 (100); T1 is too small."""
    # mean 9/300 = 3.0; S² = 2/3 x (2-3)² + 1/3 x (5-3)² = 2
    weighted = math.sqrt(2) / 3
    unweighted = 1.5 / 3.5  # mean 3.5, both schools alike
    found = number(marts, "CMP-08P#7", A)
    assert found == near(weighted)
    assert abs(weighted - unweighted) > 0.04


def test_cv_headline_is_the_worst_item(marts: psycopg.Connection) -> None:
    """County A: item 7 (0.4714) is worse than the sports ground (8.0 and 6.0)."""
    # item 5: mean 22/3; S² = 2/3 x (2/3)² + 1/3 x (4/3)² = 8/9
    assert number(marts, "CMP-08P#5", A) == near(math.sqrt(8 / 9) / (22 / 3))
    assert number(marts, "CMP-08P", A) == near(math.sqrt(2) / 3)
    # one school alone does not differ from itself
    assert number(marts, "CMP-08P", B) == 0


# --- attainment ----------------------------------------------------------------------------------


def test_six_of_seven(marts: psycopg.Connection) -> None:
    """P1 and both parts of N1 pass; P2 fails by the 85 % rule, C1 by two items."""
    # P1: classrooms 2.0 < 2.3 but >= 1.955. N1 junior: rooms 5.5 < 5.8 but >= 4.93.
    assert number(marts, "CMP-09", P1) == 100
    assert number(marts, "CMP-09", N1) == 100
    # P2: six items met, sports area 6.0 < 0.85 x 7.5 = 6.375
    assert number(marts, "CMP-09", P2) == 0
    # C1: rooms 5.5 and sports 8.0 both short
    assert number(marts, "CMP-09", C1) == 0
    found = value(marts, "CMP-09")
    assert found is not None
    assert (found["numerator"], found["denominator"]) == (3, 5)
    assert found["value"] == near(60)
    # expected P1 P2 P3 N1p N1j C1j J1; T1 (30 pupils) takes no part; P3 and J1 cannot be judged
    assert (found["expected"], found["reporting"]) == (7, 5)
    assert value(marts, "CMP-09", T1) is None
    assert (value(marts, "CMP-09", J1) or {})["value"] is None


def test_kindergarten_premises(marts: psycopg.Connection) -> None:
    """K1 (2010) needs half of the standard; K2 (2018) lacks outdoor space; K3 is unknown."""
    found = value(marts, "PRE-08")
    assert found is not None
    assert found["value"] == near(50)
    assert (found["expected"], found["reporting"]) == (3, 2)
    # 576 ㎡ for all 96 children, nursery included
    assert number(marts, "PRE-08#1", K1) == near(6.0)


# --- growth, money and years ---------------------------------------------------------------------


def test_growth(marts: psycopg.Connection) -> None:
    """Public education spending on the year before: 1790 over 1700 (万元)."""
    assert number(marts, "FIN-01", CITY, "2025") == near(100 * 90 / 1700)
    assert number(marts, "FIN-01", A, "2025") == near(10)
    assert number(marts, "FIN-01", B, "2025") == near(-2)
    assert value(marts, "FIN-01", CITY, "2024") is None


def test_growth_per_pupil_averages_the_school_years(marts: psycopg.Connection) -> None:
    """Fiscal 2025 has 8 months of 2024-2025 and 4 of 2025-2026; never one year's pupils."""
    # 2024: (8 x 420 + 4 x 360) / 12 = 400 -> 4.80M / 400 = 12,000
    # 2025: (8 x 360 + 4 x 330) / 12 = 350 -> 5.04M / 350 = 14,400
    assert number(marts, "FIN-02", A, "2025", "stage", "primary") == near(20)
    assert number(marts, "FIN-02", CITY, "2025") == near(20)


def test_share_of_the_budget(marts: psycopg.Connection) -> None:
    """1050 + 450 + 150 of 10,000 万元, by three of eight reporters."""
    found = value(marts, "FIN-03", CITY, "2025")
    assert found is not None
    assert found["value"] == near(16.5)
    assert (found["expected"], found["reporting"]) == (8, 3)
    assert found["coverage"] == near(37.5)


def test_allowance_per_pupil(marts: psycopg.Connection) -> None:
    """千元 over averaged pupils; fewer than a hundred are paid as a hundred; N1 splits 1 : 1.1."""
    # P1: (8 x 90 + 4 x 60) / 12 = 80 -> paid for 100: 100,000 / 100
    assert number(marts, "FIN-05", P1, "2025") == near(1000)
    # N1: primary 120, junior (8 x 90 + 4 x 120) / 12 = 100; 230,000 splits 120,000 : 110,000
    assert number(marts, "FIN-05", CITY, "2025", "stage", "primary") == near(220_000 / 220)
    assert number(marts, "FIN-05", CITY, "2025", "stage", "junior") == near(1100)


def test_fiscal_and_school_years_never_meet(marts: psycopg.Connection) -> None:
    """Only the averages stand in a fiscal year, and no indicator mixes the kinds of period."""
    mixed = marts.execute(
        "select distinct measure_code from marts.fct_school_measure"
        " where period_kind = 'fiscal_year' and measure_code in ('pupils', 'roll')"
    ).fetchall()
    assert mixed == []
    kinds = marts.execute(
        "select i.indicator_code from ref.indicator i"
        " join intermediate.int_indicator__terms t using (indicator_code)"
        " join ref.measure m using (measure_code) where m.period_kind <> i.period_kind"
    ).fetchall()
    assert kinds == []


# --- cohort --------------------------------------------------------------------------------------


def test_nine_year_retention(marts: psycopg.Connection) -> None:
    """初三 of September 2025 (60 + 30 + 70) over the entrants of September 2017 (70 + 40 + 60)."""
    assert number(marts, "CMP-13") == near(100 * 160 / 170)
    assert number(marts, "CMP-13", B) == near(100 * 30 / 40)
    assert number(marts, "CMP-13", M) == near(100 * 70 / 60)


def test_junior_retention(marts: psycopg.Connection) -> None:
    """J1: 46 on roll in grade 9 - 1 came in + 3 left = 48, over 50 who started - 1 who died."""
    found = value(marts, "CMP-14")
    assert found is not None
    assert (found["numerator"], found["denominator"]) == (48, 49)
    assert found["value"] == near(100 * 48 / 49)


# --- counting once, coverage, no value -----------------------------------------------------------


def test_attached_class_is_counted_once_by_stage(marts: psycopg.Connection) -> None:
    """P1's 20 attached children are preschool children and nothing else."""
    rows = dict(
        marts.execute(
            "select stage, sum(value) from marts.fct_school_measure where measure_code = 'pupils'"
            " and reporter_code = %s and period = '2025-2026' and sex = 'total' group by 1",
            (P1,),
        ).fetchall()
    )
    assert {stage: float(total) for stage, total in rows.items()} == {
        "primary": 200,
        "preschool": 20,
    }
    kindergartens = marts.execute(
        "select sum(value) from marts.fct_school_measure where measure_code = 'kindergartens'"
        " and period = '2025-2026'"
    ).fetchone()
    assert kindergartens is not None
    assert kindergartens[0] == 3


def test_coverage_below_100(marts: psycopg.Connection) -> None:
    """P3 sent nothing: four of five primary units; its absence lowers coverage, not the value."""
    found = value(marts, "CMP-04P")
    assert found is not None
    assert (found["expected"], found["reporting"], found["coverage"]) == (5, 4, 80)
    absent = value(marts, "CMP-04P", P3)
    assert absent is not None
    assert (absent["value"], absent["expected"], absent["reporting"]) == (None, 1, 0)
    # J1 has no 5176: it is out of both sides of CMP-05J
    found = value(marts, "CMP-05J")
    assert found is not None
    assert (found["denominator"], found["expected"], found["reporting"]) == (320, 3, 2)


def test_division_by_zero_is_no_value(marts: psycopg.Connection) -> None:
    """T1 has 30 pupils and no full-time teacher."""
    found = value(marts, "TCH-09", T1)
    assert found is not None
    assert (found["value"], found["numerator"], found["denominator"]) == (None, 30, 0)


def test_pupils_are_set_against_residents_where_the_school_stands(
    marts: psycopg.Connection,
) -> None:
    """C1 is run by the city and stands in A: its pupils meet A's residents."""
    assert number(marts, "CMP-16", A) == near(100 * 400 / 400)
    assert number(marts, "CMP-16", B) == near(100 * 100 / 125)
    assert value(marts, "CMP-16", M) is None


def test_personal_data_stops_at_staging(marts: psycopg.Connection) -> None:
    """No column of a name, number, phone or address exists below raw."""
    columns = marts.execute(
        "select table_schema || '.' || table_name || '.' || column_name"
        " from information_schema.columns where table_schema in"
        " ('staging', 'intermediate', 'marts', 'bi') and column_name in ('name', 'id_number',"
        " 'student_no', 'teacher_no', 'phone', 'address', 'guardian_name', 'guardian_phone',"
        " 'birth_date', 'certificate_no')"
    ).fetchall()
    assert columns == []


def test_published_statistics(marts: psycopg.Connection) -> None:
    """A blank year has no row; it is not zero."""
    rows = marts.execute(
        "select region_name, calendar_year, value, unit from marts.fct_published_statistic"
    ).fetchall()
    assert rows == [("广西", 2023, 18018290, "万元")]
