"""Superset's assets: everything a dashboard names exists, and each broken link is told."""

import copy
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from eduplan.superset.assets import Assets, Column, Model, bundle, load_assets, load_models
from eduplan.superset.check import mistakes, models_of
from eduplan.superset.provision import load_access

PROJECT = Path(__file__).resolve().parents[2]
MODELS = {
    "school": Model(
        "school",
        "学校",
        "每校一行",
        {
            "county_code": Column("county_code", "text", "县区代码", "六位"),
            "pupils": Column("pupils", "numeric(28, 10)", "学生数", "人"),
            "opened_on": Column("opened_on", "date", "设立日期", ""),
        },
    )
}
SMALL: dict[str, dict[str, Any]] = {
    "metadata.yaml": {"version": "1.0.0", "type": "assets"},
    "databases/eduplan.yaml": {"uuid": "db", "database_name": "仓库", "sqlalchemy_uri": "x"},
    "datasets/school.yaml": {
        "uuid": "ds", "table_name": "school", "schema": "bi", "database_uuid": "db",
        "main_dttm_col": "opened_on",
        "metrics": [
            {"metric_name": "total", "verbose_name": "合计", "expression": "sum(pupils)"},
        ],
        "columns": [
            {"column_name": "is_big", "verbose_name": "是否大校", "expression": "pupils > 1000"},
        ],
    },
    "charts/pupils.yaml": {
        "uuid": "ch", "slice_name": "学生数", "dataset_uuid": "ds",
        "params": {
            "groupby": ["county_code"], "metrics": ["total"], "order_by_cols": ['["pupils", true]'],
            "adhoc_filters": [
                {"expressionType": "SIMPLE", "subject": "is_big", "operator": "=="},
                {"expressionType": "SQL", "sqlExpression": "county_code in ('1') and pupils > 0"},
            ],
            "column_config": {"pupils": {}},
        },
    },
    "dashboards/school.yaml": {
        "uuid": "da", "dashboard_title": "学校", "slug": "school",
        "position": {"CHART-1": {"type": "CHART", "meta": {"uuid": "ch"}}},
        "metadata": {
            "native_filter_configuration": [
                {
                    "name": "县区",
                    "targets": [{"datasetUuid": "ds", "column": {"name": "county_code"}}],
                }
            ]
        },
    },
}  # fmt: skip


def dataset(files: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = files["datasets/school.yaml"]
    return found


def params(files: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = files["charts/pupils.yaml"]["params"]
    return found


def a_filter(files: dict[str, Any]) -> dict[str, Any]:
    metadata = files["dashboards/school.yaml"]["metadata"]
    found: dict[str, Any] = metadata["native_filter_configuration"][0]
    return found


def test_the_small_example_is_without_mistakes() -> None:
    assert mistakes(Assets(SMALL), MODELS) == []


Break = Callable[[dict[str, Any]], object]
BROKEN: list[tuple[str, Break, str]] = [
    (
        "chart of a dashboard",
        lambda f: f["dashboards/school.yaml"]["position"]["CHART-1"]["meta"].update(uuid="no"),
        "dashboards/school.yaml: no chart has the uuid no",
    ),
    (
        "chart on no dashboard",
        lambda f: f["dashboards/school.yaml"].update(position={}),
        "charts/pupils.yaml: stands on no dashboard",
    ),
    (
        "dataset of a chart",
        lambda f: f["charts/pupils.yaml"].update(dataset_uuid="no"),
        "charts/pupils.yaml: no dataset has the uuid no",
    ),
    (
        "database of a dataset",
        lambda f: dataset(f).update(database_uuid="no"),
        "datasets/school.yaml: no database has the uuid no",
    ),
    (
        "model of a dataset",
        lambda f: dataset(f).update(table_name="pupil"),
        "datasets/school.yaml: dbt has no model pupil in schema bi",
    ),
    (
        "schema of a dataset",
        lambda f: dataset(f).update(schema="marts"),
        "datasets/school.yaml: schema is marts, only bi may be shown",
    ),
    (
        "date of a dataset",
        lambda f: dataset(f).update(main_dttm_col="pupils"),
        "datasets/school.yaml: main date column pupils is no date of dbt model school",
    ),
    (
        "column of a metric",
        lambda f: dataset(f)["metrics"][0].update(expression="sum(teachers)"),
        "datasets/school.yaml: metric total names teachers, which dataset school has not",
    ),
    (
        "type of a metric's column",
        lambda f: dataset(f)["metrics"][0].update(expression="sum(county_code)"),
        "datasets/school.yaml: metric total adds county_code, which is TEXT",
    ),
    (
        "label of a metric",
        lambda f: dataset(f)["metrics"][0].update(verbose_name="Total"),
        "datasets/school.yaml: metric total has no Chinese label",
    ),
    (
        "column of a calculated column",
        lambda f: dataset(f)["columns"][0].update(expression="size > 1"),
        "datasets/school.yaml: column is_big names size, which dataset school has not",
    ),
    (
        "column that dbt has",
        lambda f: dataset(f)["columns"].append(
            {"column_name": "pupils", "verbose_name": "学生", "expression": "pupils"}
        ),
        "datasets/school.yaml: column pupils comes from dbt: leave it out here",
    ),
    (
        "column of a chart",
        lambda f: params(f).update(groupby=["town"]),
        "charts/pupils.yaml: groupby names column town, which dataset school has not",
    ),
    (
        "metric of a chart",
        lambda f: params(f).update(metrics=["mean"]),
        "charts/pupils.yaml: metrics names metric mean, which dataset school has not",
    ),
    (
        "filter of a chart",
        lambda f: params(f)["adhoc_filters"][0].update(subject="town"),
        "charts/pupils.yaml: filter names column town, which dataset school has not",
    ),
    (
        "SQL filter of a chart",
        lambda f: params(f)["adhoc_filters"][1].update(sqlExpression="town = 'x'"),
        "charts/pupils.yaml: filter names town, which dataset school has not",
    ),
    (
        "order of a chart",
        lambda f: params(f).update(order_by_cols=['["town", true]']),
        "charts/pupils.yaml: order names column town, which dataset school has not",
    ),
    (
        "format of a chart",
        lambda f: params(f).update(column_config={"town": {}}),
        "charts/pupils.yaml: the format of town belongs to no column or metric of the chart",
    ),
    (
        "title of a chart",
        lambda f: f["charts/pupils.yaml"].update(slice_name="Pupils"),
        "charts/pupils.yaml: the title is not Chinese",
    ),
    (
        "column of a dashboard's filter",
        lambda f: a_filter(f)["targets"][0]["column"].update(name="town"),
        "dashboards/school.yaml: filter 县区 names column town, which dataset school has not",
    ),
    (
        "dataset of a dashboard's filter",
        lambda f: a_filter(f)["targets"][0].update(datasetUuid="no"),
        "dashboards/school.yaml: filter 县区: no dataset has the uuid no",
    ),
    (
        "name of a dashboard's filter",
        lambda f: a_filter(f).update(name="County"),
        "dashboards/school.yaml: filter County has no Chinese name",
    ),
    (
        "title of a dashboard",
        lambda f: f["dashboards/school.yaml"].update(dashboard_title="Schools"),
        "dashboards/school.yaml: the title is not Chinese",
    ),
    (
        "two files of one id",
        lambda f: dataset(f).update(uuid="ch"),
        "datasets/school.yaml: uuid ch is that of charts/pupils.yaml too",
    ),
]


@pytest.mark.parametrize(
    ("break_it", "sentence"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN]
)
def test_each_broken_link_is_told(break_it: Break, sentence: str) -> None:
    files = copy.deepcopy(SMALL)
    break_it(files)
    assert sentence in mistakes(Assets(dict(sorted(files.items()))), MODELS)


def test_a_model_without_county_or_labels_is_told() -> None:
    columns = dict(MODELS["school"].columns)
    columns["region_code"] = Column("region_code", "text", "Region", "")
    del columns["county_code"]
    found = mistakes(Assets(SMALL), {"school": Model("school", "学校", "", columns)})
    path = "datasets/school.yaml"
    assert f"{path}: school has region_code but no county_code: no row rule could hold" in found
    assert f"{path}: dbt's column school.region_code has no Chinese label" in found


def test_the_assets_of_the_project_fit_together() -> None:
    assets = load_assets(PROJECT / "bi" / "assets")
    assert len(assets.of("dashboards")) == 5
    assert mistakes(assets, load_models(PROJECT / "dbt_project")) == []


def test_the_bundle_has_dbts_columns_and_no_password() -> None:
    uri = "postgresql+psycopg2://reader:XXXXXXXXXX@host/warehouse"
    made = bundle(Assets(SMALL), MODELS, uri)
    assert made == bundle(Assets(copy.deepcopy(SMALL)), MODELS, uri)
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        read = {n: yaml.safe_load(archive.read(n)) for n in archive.namelist()}
    assert read["assets/databases/eduplan.yaml"]["sqlalchemy_uri"] == uri
    found = read["assets/datasets/school.yaml"]
    assert [(c["column_name"], c["verbose_name"], c.get("type")) for c in found["columns"]] == [
        ("county_code", "县区代码", "TEXT"),
        ("pupils", "学生数", "NUMERIC"),
        ("opened_on", "设立日期", "DATE"),
        ("is_big", "是否大校", None),
    ]
    assert [c["column_name"] for c in found["columns"] if c.get("is_dttm")] == ["opened_on"]
    assert found["description"] == "每校一行"


def test_each_dashboard_has_its_exposure() -> None:
    """What dbt says a dashboard reads is what its charts and filters read."""
    text = (PROJECT / "dbt_project" / "models" / "bi" / "_bi__exposures.yml").read_text("utf-8")
    exposures = {e["name"]: e for e in yaml.safe_load(text)["exposures"]}
    assets = load_assets(PROJECT / "bi" / "assets")
    dashboards = {f"dashboard_{d['slug']}": d for d in assets.of("dashboards").values()}
    assert set(exposures) == set(dashboards)
    for name, dashboard in dashboards.items():
        exposure = exposures[name]
        assert exposure["label"] == dashboard["dashboard_title"]
        assert exposure["url"].endswith(f"/superset/dashboard/{dashboard['slug']}/")
        assert exposure["type"] == "dashboard"
        assert set(exposure["depends_on"]) == {
            f"ref('bi_{model}')" for model in models_of(assets, dashboard)
        }


def test_users_have_known_roles_and_counties() -> None:
    access = load_access(PROJECT / "bi" / "access.yaml")
    seed = (PROJECT / "dbt_project" / "seeds" / "region.csv").read_text("utf-8").splitlines()
    counties = {line.split(",")[0] for line in seed[1:] if line.split(",")[1] != "city"}
    known = {*access.roles, "Gamma", "sql_lab"}
    assert len({u.username for u in access.users}) == len(access.users)
    for user in access.users:
        assert set(user.roles) <= known, user
        # Who may read all rows is nobody's county, and the other way round.
        assert (user.county in counties) != bool(access.whole_city & set(user.roles)), user
    # A reader changes nothing: the state of filters is its own.
    writes = {
        (permission, view)
        for permission, view in access.roles["eduplan_reader"]
        if permission not in ("can_read", "can_dashboard", "can_log", "can_csv", "menu_access",
                              "can_language_pack", "can_recent_activity")
    }  # fmt: skip
    assert writes == {
        ("can_write", "DashboardFilterStateRestApi"),
        ("can_write", "DashboardPermalinkRestApi"),
    }


def test_the_lock_names_no_host() -> None:
    lock = (PROJECT / "bi" / "requirements.lock").read_text()
    assert "://" not in lock
    for pin in ("apache-superset==6.1.0", "flask-caching==2.4.1", "cachetools==5"):
        assert f"\n{pin}" in f"\n{lock}"
