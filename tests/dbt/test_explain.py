"""Where a value comes from and what changed it, on a mini city of its own that is built twice."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb
from rich.console import Console

from eduplan import transform
from eduplan.errors import EduplanError
from eduplan.explain import explain
from eduplan.explain_text import show
from eduplan.settings import Settings
from tests.dbt import mini_city
from tests.dbt.mini_city import CITY, K3, P1, P2, P3, Y25, A, B

REGISTRY = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds" / "indicator.csv"


class Rebuilt:
    """The mini city before and after P1's corrected 教基3112: 230 pupils instead of 200."""

    def __init__(self, conn: psycopg.Connection, before: dict[tuple[str, ...], float], batch: int):
        self.conn = conn
        self.before = before
        self.batch = batch


def values(conn: psycopg.Connection) -> dict[tuple[str, ...], float]:
    """Values of city and counties by indicator, region, breakdown, part and period."""
    rows = conn.execute(
        "select indicator_code, region_code, breakdown, breakdown_value, period, value"
        " from marts.ind_value where region_level in ('city', 'county') and value is not null"
    ).fetchall()
    return {tuple(row[:5]): float(row[5]) for row in rows}


@pytest.fixture(scope="module")
def rebuilt(
    pg_server: str, pg_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Rebuilt]:
    name = "mini_explained"
    with psycopg.connect(pg_server, autocommit=True) as admin:
        admin.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(pg_template)
            )
        )
    url = pg_server.rsplit("/", 1)[0] + f"/{name}"
    settings = Settings(home=tmp_path_factory.mktemp("explain"), database_url=url)
    with psycopg.connect(url, autocommit=True) as conn:
        sheets = mini_city.sheets()
        ids = mini_city.publish(conn, sheets)
        quarantine(conn, ids["teachers", Y25], 901, {"school_code": P2, "name": "张某"})
        quarantine(conn, ids["teachers", Y25], 902, {"school_code": P2, "name": "李某"})
        quarantine(conn, ids["jj2105", Y25], 903, {"reporter_code": K3, "row_name": "大班"})
        for row in (904, 905, 906):
            quarantine(conn, ids["course_learning", "all"], row, {"learner_no": "L9"})
        for row in (907, 908):
            quarantine(conn, ids["training_records", "all"], row, {"hours": "九"})
        transform.build(settings)
        before = values(conn)
        old = ids["jj3112", Y25]
        with conn.transaction():
            conn.execute("update ops.batch set status = 'superseded' where batch_id = %s", (old,))
            conn.execute(f"alter table raw.jj3112 detach partition raw.jj3112__b{old}")
        corrected = [
            {**row, "enrolment": "230"}
            if row["reporter_code"] == P1 and row["row_name"] == "总计"
            else row
            for row in sheets["jj3112", Y25]
        ]
        batch = mini_city.publish(conn, {("jj3112", Y25): corrected})["jj3112", Y25]
        quarantine(conn, batch, 900, {"reporter_code": P3, "row_name": "总计"})
        transform.build(settings)
        yield Rebuilt(conn, before, batch)
    with psycopg.connect(pg_server, autocommit=True) as admin:
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def quarantine(conn: psycopg.Connection, batch: int, row: int, payload: dict[str, str]) -> None:
    """Put one row of a batch into quarantine."""
    conn.execute(
        "insert into quality.quarantined_row (batch_id, dataset, period, file_no, row_no, payload,"
        " rules, reasons) select batch_id, dataset, period, 1, %s, %s, '{X-001}', '{x}'"
        " from ops.batch where batch_id = %s",
        (row, Jsonb(payload), batch),
    )


def resting_on(measure: str) -> set[str]:
    """Indicators with the measure in their terms or in those of their base indicators."""
    with REGISTRY.open(encoding="utf-8") as handle:
        rows = {row["indicator_code"]: row for row in csv.DictReader(handle)}

    def uses(code: str) -> bool:
        row = rows[code]
        terms = f"{row['numerator_terms']} + {row['denominator_terms']}".split(" + ")
        bases = [base for base in row["base_indicators"].split("|") if base]
        return measure in terms or any(uses(base) for base in bases)

    return {code for code in rows if uses(code)}


def test_corrected_file_moves_what_rests_on_it_and_nothing_else(rebuilt: Rebuilt) -> None:
    after = values(rebuilt.conn)
    assert set(after) == set(rebuilt.before)
    moved = {key for key in after if after[key] != rebuilt.before[key]}
    # 教基3112 enters the averages of fiscal years too.
    allowed = resting_on("pupils@primary") | resting_on("pupils_avg@primary")
    assert {key[0] for key in moved} <= allowed
    assert {key[1] for key in moved} <= {CITY, A}  # P1 stands in A
    key = ("TCH-09", CITY, "all", "all", Y25)
    assert rebuilt.before[key] == pytest.approx(1090 / 64)
    assert after[key] == pytest.approx(1120 / 64)
    # P1, P2 and the teaching point in A: 330 pupils, now 360; 35 teachers with degree
    key = ("TCH-09", A, "stage", "primary", Y25)
    assert after[key] / rebuilt.before[key] == pytest.approx(360 / 330)


def test_each_moved_value_is_a_revision_that_names_the_batch(rebuilt: Rebuilt) -> None:
    after = values(rebuilt.conn)
    moved = {key for key in after if after[key] != rebuilt.before[key]}
    rows = rebuilt.conn.execute(
        "select indicator_code, region_code, breakdown, breakdown_value, period, value_before,"
        " value, cause, added_batch_ids, revision_number, cause_zh from marts.ind_revision"
    ).fetchall()
    changed = {tuple(row[:5]) for row in rows if row[5] != row[6]}
    assert changed == moved
    for row in rows:
        assert row[7:10] == ("data", [rebuilt.batch], 1), row
        assert f"{rebuilt.batch} (jj3112 2025-2026)" in row[10]
    found = {tuple(row[:5]): (float(row[5]), float(row[6])) for row in rows}
    assert found["TCH-09", CITY, "all", "all", Y25] == pytest.approx((1090 / 64, 1120 / 64))


def test_influence_is_the_value_less_the_value_without(rebuilt: Rebuilt) -> None:
    """CMP-10: P1 has 4 of 5 classes in size, the city 16 of 20 in the two stages."""
    rows = rebuilt.conn.execute(
        "select contributor_code, numerator, denominator, influence, influence_rank"
        " from marts.ind_contribution where indicator_code = 'CMP-10' and region_code = %s"
        " and period = %s order by influence_rank",
        (CITY, Y25),
    ).fetchall()
    value, up, down = rebuilt.conn.execute(
        "select value, numerator, denominator from marts.ind_value where indicator_code = 'CMP-10'"
        " and region_code = %s and period = %s and breakdown = 'all'",
        (CITY, Y25),
    ).fetchone() or (0, 0, 0)
    for code, numerator, denominator, influence, _ in rows:
        without = 100 * (up - numerator) / (down - denominator)
        assert float(influence) == pytest.approx(float(value - without)), code
    sizes = [abs(row[3]) for row in rows]
    assert sizes == sorted(sizes, reverse=True)
    assert [row[4] for row in rows] == list(range(1, len(rows) + 1))
    assert P1 in {row[0] for row in rows}


def test_exposure_bounds_what_quarantined_rows_could_do(rebuilt: Rebuilt) -> None:
    """TCH-01: two people of P2 may be qualified or not: (76 + 0..2) of (78 + 2)."""
    row = rebuilt.conn.execute(
        "select quarantined_rows, value_low, value_high, change_at_most from marts.ind_exposure"
        " where indicator_code = 'TCH-01' and region_code = %s and period = %s",
        (CITY, Y25),
    ).fetchone()
    assert row is not None
    assert row[0] == 2
    low, high, change = map(float, row[1:])
    assert low == pytest.approx(100 * 76 / 80)
    assert high == pytest.approx(100 * 78 / 80)
    assert change == pytest.approx(100 * 76 / 78 - 100 * 76 / 80)


def test_exposure_of_a_missing_report_takes_a_school_of_mean_size(rebuilt: Rebuilt) -> None:
    """P3's form: its pupils are unknown, its ratio between those of the other schools.

    CMP-01P, above-credential teachers per 100 pupils, after the correction: P1 10 of 230, P2 5 of
    100, T1 0 of 30, N1 6 of 120: 21 of 480; mean size 120; ratios 0 to 0.05.
    """
    row = rebuilt.conn.execute(
        "select schools_in_doubt, value, value_low, value_high from marts.ind_exposure"
        " where indicator_code = 'CMP-01P' and region_code = %s and period = %s",
        (CITY, Y25),
    ).fetchone()
    assert row is not None
    assert row[0] == 1
    assert float(row[1]) == pytest.approx(100 * 21 / 480)
    assert float(row[2]) == pytest.approx(100 * 21 / 600)
    assert float(row[3]) == pytest.approx(100 * (21 + 120 * 0.05) / 600)


@pytest.mark.parametrize("code", ["PRE-01", "DIG-04"])
def test_no_bounds_where_none_can_be_given(rebuilt: Rebuilt, code: str) -> None:
    """K3's form in a figure of counties, hours of nobody knows which school: not "no change"."""
    found = explain(rebuilt.conn, code, None, Y25)
    assert found.exposure is not None and found.exposure["quarantined_rows"] > 0
    assert [found.exposure[name] for name in ("value_low", "value_high", "change_at_most")] == (
        [None] * 3
    )
    text = Console(width=200, record=True, file=io.StringIO())
    show(found, text)
    assert "无法估计" in text.export_text()


def test_each_quarantined_event_counts_once(rebuilt: Rebuilt) -> None:
    """DIG-07: five events, three more in quarantine."""
    found = explain(rebuilt.conn, "DIG-07", None, Y25).exposure
    assert found is not None
    assert (float(found["value_low"]), float(found["value_high"])) == (5, 8)


def test_county_exposure_leaves_other_counties_out(rebuilt: Rebuilt) -> None:
    rows = rebuilt.conn.execute(
        "select distinct region_code from marts.ind_exposure where indicator_code = 'TCH-01'"
        " and period = %s",
        (Y25,),
    ).fetchall()
    assert {code for (code,) in rows} == {CITY, A}
    assert B not in {code for (code,) in rows}


def test_batches_behind_a_value(rebuilt: Rebuilt) -> None:
    rows = rebuilt.conn.execute(
        "select dataset, batch_period, quarantined_count from marts.ind_batch"
        " where indicator_code = 'CMP-01P' and period = %s order by dataset",
        (Y25,),
    ).fetchall()
    assert [tuple(row[:2]) for row in rows] == [
        ("jj3112", Y25),
        ("jj4155", Y25),
        ("school_register", Y25),
    ]


def test_explanation_says_the_revision_and_its_batch(rebuilt: Rebuilt) -> None:
    found = explain(rebuilt.conn, "TCH-09")
    assert (found.head["region_code"], found.head["period"]) == (CITY, Y25)
    assert float(found.head["value"]) == pytest.approx(1120 / 64)
    assert [row["cause"] for row in found.revisions] == ["data"]
    text = Console(width=200, record=True, file=io.StringIO())
    show(found, text)
    page = text.export_text()
    for words in ("17.50", "17.03", f"{rebuilt.batch} (jj3112 2025-2026)", "中央编办", "P1小学"):
        assert words in page, words
    assert json.loads(json.dumps(found.as_dict(), default=str))["indicator_code"] == "TCH-09"


def test_explanation_of_a_county_and_of_what_has_no_data(rebuilt: Rebuilt) -> None:
    found = explain(rebuilt.conn, "TCH-01", "万秀区", Y25)
    assert found.head["region_code"] == A
    assert found.exposure is not None and found.exposure["quarantined_rows"] == 2
    # P3 has no teacher, so without the two of P2 the county's bounds are its own
    assert explain(rebuilt.conn, "TCH-01", B, Y25).exposure is None


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (("XXX-99",), "no indicator 'XXX-99'", "eduplan indicators"),
        (("TCH-09", "北京市"), "no region '北京市'", "万秀区"),
        (("TCH-09", None, "1999-2000"), "TCH-09 has no row for the city in 1999-2000", Y25),
    ],
)
def test_what_is_not_there_is_named(
    rebuilt: Rebuilt, arguments: tuple[str, ...], message: str, hint: str
) -> None:
    with pytest.raises(EduplanError, match=message) as error:
        explain(rebuilt.conn, *arguments)
    assert hint in error.value.hint
