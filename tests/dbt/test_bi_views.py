"""The views of schema bi on the mini city: what they are, what they show, and the page on them."""

import datetime as dt
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from eduplan import docs_bi, transform
from eduplan.scorecard.wording import WORDS
from eduplan.settings import Settings
from tests.dbt.mini_city import CITY, P1, A

PROJECT = Path(__file__).resolve().parents[2]
VIEWS = docs_bi.read_views(Settings(project_dir=PROJECT))
TWINS = {view["name"]: view["config"]["meta"]["zh"] for view in VIEWS}
EXAMPLES = re.findall(
    r"^```sql\n(.*?)^```", (PROJECT / "docs/bi.md").read_text("utf-8"), re.M | re.S
)


@pytest.fixture(scope="module")
def manifest(built: transform.BuildResult, dbt_settings: Settings) -> dict[str, Any]:
    """The manifest of the mini city's build."""
    found: dict[str, Any] = json.loads(
        (dbt_settings.home / "dbt" / "target" / "manifest.json").read_text()
    )
    return found


def test_columns_types_and_comments_are_those_promised(marts: psycopg.Connection) -> None:
    """English and Chinese, in the database as in the contract; no arrays, no enums."""
    found: dict[str, dict[str, str]] = {}
    bare = []
    for view, column, kind, comment in marts.execute(
        "select c.relname, a.attname, format_type(a.atttypid, a.atttypmod),"
        " col_description(c.oid, a.attnum) from pg_class c"
        " join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped"
        " where c.relnamespace = 'bi'::regnamespace order by c.relname, a.attnum"
    ):
        kind = kind.replace("timestamp with time zone", "timestamptz").replace(",", ", ")
        found.setdefault(view, {})[column] = kind
        if not comment:
            bare.append(f"{view}.{column}")
    assert bare == []
    promised = docs_bi.release_of(Settings(project_dir=PROJECT))
    assert found == promised
    for view, columns in found.items():
        assert list(columns) == list(promised[view]), view


def test_every_view_runs_with_its_readers_rights_and_has_a_comment(
    marts: psycopg.Connection,
) -> None:
    rows = marts.execute(
        "select relname, reloptions, obj_description(oid) from pg_class"
        " where relnamespace = 'bi'::regnamespace"
    ).fetchall()
    assert sorted(row[0] for row in rows) == sorted([*TWINS, *TWINS.values()])
    assert all(row[1] == ["security_invoker=true"] and row[2] for row in rows)


def test_comments_of_marts_are_in_the_database(
    marts: psycopg.Connection, manifest: Mapping[str, Any]
) -> None:
    for node in manifest["nodes"].values():
        if node.get("schema") != "marts" or node["resource_type"] != "model":
            continue
        table = sql.Identifier("marts", node["alias"]).as_string(marts)
        comments = dict(
            marts.execute(
                "select attname, col_description(attrelid, attnum) from pg_attribute"
                " where attrelid = %s::regclass and attnum > 0",
                (table,),
            ).fetchall()
        )
        assert comments == {c["name"]: c["description"] for c in node["columns"].values()}


@pytest.mark.parametrize("view", TWINS)
def test_the_twin_has_the_same_rows(marts: psycopg.Connection, view: str) -> None:
    """Row by row as JSON arrays, whatever the columns are called."""
    texts = [
        sql.SQL(
            "select jsonb_agg(line order by line) from (select"
            " (select jsonb_agg(value) from json_each(row_to_json(v))) as line from {} v) as lines"
        ).format(sql.Identifier("bi", name))
        for name in (view, TWINS[view])
    ]
    english, chinese = (marts.execute(text).fetchone() for text in texts)
    assert english == chinese


def test_views_wait_for_all_marts_they_read(manifest: Mapping[str, Any]) -> None:
    """One failed test of one mart stops every view."""
    views = [n for n in manifest["nodes"].values() if n.get("schema") == "bi"]
    assert len(views) == len(TWINS)
    needed = {parent for node in views for parent in node["depends_on"]["nodes"]}
    assert {parent.split(".")[2][:3] for parent in needed} <= {"dim", "fct", "ind", "qa_"}
    for node in views:
        assert set(node["depends_on"]["nodes"]) == needed, node["name"]


def test_every_code_has_its_words(marts: psycopg.Connection) -> None:
    """No row shows a code without label: all code sets of ref.code_label are complete."""
    for view in VIEWS:
        names = [column["name"] for column in view["columns"]]
        for label in (n for n in names if n.endswith(("_label", "_label_en"))):
            code = label.removesuffix("_en").removesuffix("_label")
            code = next(n for n in (f"{code}_code", code) if n in names)
            missing = marts.execute(
                sql.SQL("select distinct {} from {} where {} is not null and {} is null").format(
                    *map(sql.Identifier, (code,)),
                    sql.Identifier("bi", view["name"]),
                    *map(sql.Identifier, (code, label)),
                )
            ).fetchall()
            assert missing == [], f"{view['name']}.{label}"


def test_the_words_of_a_status_are_the_same_everywhere(marts: psycopg.Connection) -> None:
    """On the scorecard, in the terminal and in the views: those of ref.status_label."""
    rows = marts.execute(
        "select status, status_label_zh, status_label_en from ref.status_label"
    ).fetchall()
    assert {row[0]: row[1] for row in rows} == WORDS["zh"]
    assert {row[0]: row[2] for row in rows} == WORDS["en"]


def test_progress_is_dated_and_labelled(marts: psycopg.Connection) -> None:
    """TCH-09: 1090 pupils of 64 teachers; the value of 2025-2026 is the newest."""
    row = marts.execute(
        "select round(value, 6), unit, unit_label, period_start_date, period_end_date, is_latest,"
        " region_name, county_code, is_demonstration, direction_label"
        " from bi.indicator_progress where indicator_code = 'TCH-09' and region_code = %s"
        " and period = '2025-2026' and plan_version = 'demo-2025-2027'",
        (CITY,),
    ).fetchone()
    assert row is not None
    assert float(row[0]) == round(1090 / 64, 6)
    assert row[3:7] == (dt.date(2025, 9, 1), dt.date(2026, 8, 31), True, "梧州市")
    assert row[1:3] == ("ratio", "比值")
    assert row[7:] == (CITY, True, "保持在区间内")


def test_the_newest_period_of_an_indicator_is_marked(marts: psycopg.Connection) -> None:
    """Counted here another way: the newest year of the city's and counties' totals with a value."""
    rows = marts.execute(
        "select indicator_code, period_year, value is not null, breakdown = 'all', is_latest"
        " from bi.indicator_value"
    ).fetchall()
    newest: dict[str, tuple[bool, int]] = {}
    for code, year, has_value, is_total, _ in rows:
        if is_total:
            newest[code] = max(newest.get(code, (False, 0)), (has_value, year))
    assert {code for code, year, _, _, is_latest in rows if is_latest}
    for code, year, _, _, is_latest in rows:
        assert is_latest == (year == newest[code][1]), (code, year)
    assert len({year for _, year in newest.values()}) > 1


def test_an_indicator_without_any_value_stands_with_its_newest_period(
    marts: psycopg.Connection,
) -> None:
    rows = marts.execute(
        "select count(*), bool_and(is_latest) from bi.indicator_progress p where not exists"
        " (select from bi.indicator_value v where v.indicator_code = p.indicator_code)"
    ).fetchone()
    assert rows is not None and rows[0] > 0 and rows[1] is True


def test_schools_stand_with_county_and_kind(marts: psycopg.Connection) -> None:
    """P1: 24 + 33 teachers are the city's; its own rows say where and what it is."""
    row = marts.execute(
        "select distinct school_name, county_code, county_name, ownership_label, urban_rural_label"
        " from bi.school_indicator where school_code = %s",
        (P1,),
    ).fetchall()
    assert row == [("P1小学", A, "万秀区", "公办", "城区")]
    measure = marts.execute(
        "select value, unit, reporter_name, county_name, stage_name_zh, sex_label"
        " from bi.school_measure where reporter_code = %s and measure_code = 'roll'"
        " and period = '2025-2026' and sex = 'total' and stage = 'primary'",
        (P1,),
    ).fetchall()
    assert measure == [(60, "人", "P1小学", "万秀区", "小学", "合计")]


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) >= 8


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_examples_of_the_page_run(marts: psycopg.Connection, example: str) -> None:
    """With nothing but the read-only connection: only schema bi is named."""
    assert not re.search(r"\b(marts|ref|ops|quality)\.", example)
    marts.execute("set search_path to bi")
    marts.execute("set default_transaction_read_only to on")
    cursor = marts.execute(example)
    assert cursor.description
