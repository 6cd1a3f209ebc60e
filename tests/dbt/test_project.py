"""The dbt project as a whole: documented, tested, buildable on nothing, skipped when unchanged."""

import csv
import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from eduplan import transform
from eduplan.errors import BuildError
from eduplan.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def manifest(built: transform.BuildResult, dbt_settings: Settings) -> dict[str, Any]:
    """The manifest of the mini city's build."""
    path = dbt_settings.home / "dbt" / "target" / "manifest.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_every_model_is_described(manifest: dict[str, Any]) -> None:
    """Every model states what it is and its grain."""
    bare = [
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and "Grain" not in node["description"]
        and node["name"] not in ("dim_region", "dim_stage", "dim_period")
    ]  # fmt: skip
    assert bare == []


def test_every_mart_column_is_described_and_contracted(manifest: dict[str, Any]) -> None:
    """Marts carry an enforced contract, a type and a description for each column."""
    marts = [n for n in manifest["nodes"].values() if n.get("schema") == "marts"]
    marts = [n for n in marts if n["resource_type"] == "model"]
    assert len(marts) >= 8
    for node in marts:
        assert node["contract"]["enforced"], node["name"]
        for column in node["columns"].values():
            assert column["description"], f"{node['name']}.{column['name']}"
            assert column["data_type"], f"{node['name']}.{column['name']}"


def test_build_is_recorded_and_skipped_when_nothing_changed(
    built: transform.BuildResult, dbt_settings: Settings, marts: psycopg.Connection
) -> None:
    """Every node of the build is a row; the same batches and project are not built twice."""
    row = marts.execute(
        "select status, node_count from ops.build where build_id = %s", (built.build_id,)
    ).fetchone()
    assert row == ("success", len(built.nodes))
    stored = marts.execute(
        "select count(*) from ops.build_node where build_id = %s", (built.build_id,)
    ).fetchone()
    assert stored == (len(built.nodes),)
    again = transform.build(dbt_settings)
    assert (again.status, again.build_id) == ("skipped", built.build_id)


def test_going_back_after_a_failed_build_builds_again(
    db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed build has rewritten tables: the state before it is not what the database holds."""
    commands: list[list[str]] = []
    good = True

    def run(_settings: Settings, _url: str, arguments: list[str]) -> transform.DbtOutcome:
        commands.append(arguments)
        return transform.DbtOutcome(good, f"run-{len(commands)}", (), "")

    folder = tmp_path / "dbt_project"
    (folder / "seeds").mkdir(parents=True)
    (folder / "seeds" / "region.csv").write_text(
        "region_code,region_level,region_name,short_name,finance_name,sort_order\n"
    )
    (tmp_path / "expectations").symlink_to(PROJECT / "expectations")
    target = folder / "seeds" / "target.csv"
    monkeypatch.setattr(transform, "run_dbt", run)
    settings = Settings(home=tmp_path / "home", database_url=db_url, project_dir=tmp_path)

    target.write_text("right")
    assert transform.build(settings).status == "success"
    assert transform.build(settings).status == "skipped"
    target.write_text("wrong")
    good = False
    with pytest.raises(BuildError):
        transform.build(settings)
    target.write_text("right")
    good = True
    assert transform.build(settings).status == "success"
    assert "--full-refresh" in commands[-1]
    assert transform.build(settings).status == "skipped"
    # A part built of the same state spoils nothing; a part of another state does.
    transform.build(settings, select="marts")
    assert transform.build(settings).status == "skipped"
    target.write_text("wrong")
    transform.build(settings, select="marts")
    target.write_text("right")
    assert transform.build(settings).status == "success"


def test_registry_is_complete() -> None:
    """Sub-indicators have a parent, computed ones have terms or a base, codes are unique."""
    with (PROJECT / "dbt_project" / "seeds" / "indicator.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    codes = [row["indicator_code"] for row in rows]
    assert len(codes) == len(set(codes))
    assert len([row for row in rows if not row["parent_code"]]) >= 87
    needed = "unit direction kind scale unit_of_account region_basis period_kind decimals".split()
    for row in rows:
        assert [name for name in needed if not row[name]] == [], row["indicator_code"]
        assert row["definition_zh"] and row["source_document"] and row["confidence"]
        if row["is_computed"] == "true":
            assert row["numerator_terms"] or row["base_indicators"], row["indicator_code"]
        if row["parent_code"]:
            assert row["parent_code"] in codes


def test_public_plan_has_only_its_two_targets() -> None:
    """Nothing is invented: the public plan states two numbers; all others are a demonstration."""
    with (PROJECT / "dbt_project" / "seeds" / "target.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    public = [row for row in rows if row["plan_version"] == "wz-2025-2027"]
    stated = {row["indicator_code"]: row["target_2027"] for row in public if row["target_2027"]}
    assert stated == {"SEN-02": "4", "DIG-01": "4"}
    assert not any(row["target_2025"] or row["target_2026"] for row in public)
    with (PROJECT / "dbt_project" / "seeds" / "plan_version.csv").open(encoding="utf-8") as handle:
        flags = {row["plan_version"]: row["is_demonstration"] for row in csv.DictReader(handle)}
    assert flags == {
        "wz-2025-2027": "false",
        "demo-2025-2027": "true",
        "demo-2025-2027-amended": "true",
    }


def test_builds_on_an_empty_warehouse(db_url: str, tmp_path: Path) -> None:
    """Nothing published: every indicator stands once per plan, with its reason."""
    result = transform.build(Settings(home=tmp_path, database_url=db_url))
    assert result.status == "success"
    with psycopg.connect(db_url) as conn:
        rows = conn.execute(
            "select plan_version, count(*), count(distinct indicator_code),"
            " count(*) filter (where status = 'no_data' and no_data_reason is not null)"
            " from marts.ind_progress group by 1"
        ).fetchall()
        reason = conn.execute(
            "select no_data_reason from marts.ind_progress where indicator_code = 'FIN-03'"
        ).fetchone()
    with (PROJECT / "dbt_project" / "seeds" / "indicator.csv").open(encoding="utf-8") as handle:
        count = sum(not row["parent_code"] for row in csv.DictReader(handle))
    plans = ("demo-2025-2027", "demo-2025-2027-amended", "wz-2025-2027")
    assert sorted(rows) == [(plan, count, count, count) for plan in plans]
    assert reason is not None
    assert reason[0].startswith("缺少已发布数据:")
    assert "finance_county" in reason[0]


def test_unit_tests_of_the_models(
    warehouse_url: str, built: object, dbt_settings: Settings
) -> None:
    """The dbt unit tests pass (they are left out of the daily build)."""
    outcome = transform.run_dbt(dbt_settings, warehouse_url, ["test", "--select", "test_type:unit"])
    failed = [f"{node.node_id}: {node.message}" for node in outcome.nodes if node.failed]
    assert outcome.success, failed
    assert len(outcome.nodes) >= 5


def test_a_superseded_batch_leaves_the_counts(db_url: str, tmp_path: Path) -> None:
    """A corrected delivery replaces its batch: its pupils are counted and the old ones are gone."""
    from tests.dbt import mini_city

    settings = Settings(home=tmp_path, database_url=db_url)
    with psycopg.connect(db_url) as conn:
        first = mini_city.publish(
            conn,
            {
                ("school_register", "2025-2026"): mini_city.register(),
                ("students", "2025-2026"): mini_city.pupils(10, mini_city.P1, "小学一年级"),
            },
        )
    transform.build(settings, select="+int_measure__roll")
    with psycopg.connect(db_url) as conn:
        old = first[("students", "2025-2026")]
        conn.execute("update ops.batch set status = 'superseded' where batch_id = %s", (old,))
        conn.execute(f"alter table raw.students detach partition raw.students__b{old}")
        mini_city.publish(
            conn, {("students", "2025-2026"): mini_city.pupils(7, mini_city.P1, "小学一年级")}
        )
    transform.build(settings, select="+int_measure__roll")
    with psycopg.connect(db_url) as conn:
        rows = conn.execute(
            "select value from intermediate.int_measure__roll where measure_code = 'roll'"
        ).fetchall()
    assert [int(row[0]) for row in rows] == [7]


def test_a_failed_build_names_the_model_and_its_sql(db_url: str, tmp_path: Path) -> None:
    """The message says which model, why, and where its SQL is; the failure is recorded."""
    with psycopg.connect(db_url) as conn:
        conn.execute("create table raw.population (nonsense text, _batch_id bigint)")
    settings = Settings(home=tmp_path, database_url=db_url)
    with pytest.raises(BuildError) as caught:
        transform.build(settings, select="stg_population__ages")
    assert "stg_population__ages" in str(caught.value)
    assert "raw.population has no column" in str(caught.value)
    with psycopg.connect(db_url) as conn:
        assert conn.execute("select status from ops.build").fetchall() == [("failed",)]


def test_indicator_reference_is_current() -> None:
    """docs/reference/indicators.md is what the seeds say."""
    from eduplan import docs_indicators

    settings = Settings()
    page = docs_indicators.render_reference(settings.dbt_dir / "seeds")
    assert docs_indicators.reference_path(settings).read_text(encoding="utf-8") == page, (
        "run `python -m eduplan.docs_indicators`"
    )
