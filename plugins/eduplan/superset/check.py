"""The static check: dashboard → chart → dataset → dbt column, without a running Superset."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from eduplan.superset.assets import (
    COUNTY_COLUMN,
    SCHEMA,
    Assets,
    Model,
    superset_type,
)

_CHINESE = re.compile(r"[一-鿿]")
_NUMBERS = ("NUMERIC", "INTEGER", "BIGINT", "DOUBLE PRECISION")
_DATES = ("DATE", "TIMESTAMP WITH TIME ZONE")
_SQL_WORDS = frozenset(
    (
        "and as asc between by case cast date desc distinct else end false filter from group in"
        " integer is like not null nulls numeric or order over partition text then true when where"
        " within"
    ).split()
)
# Lists of names, without a figure about a place.
_OPEN_TO_ALL = ("region",)
# Where a chart names columns, metrics, and lists of ["column", ascending] as JSON.
_COLUMN_KEYS = (
    "groupby", "columns", "all_columns", "groupbyRows", "groupbyColumns", "x_axis", "series",
    "granularity_sqla", "entity", "groupby_b",
)  # fmt: skip
_METRIC_KEYS = (
    "metric", "metrics", "metrics_b", "metric_2", "percent_metrics", "secondary_metric",
    "timeseries_limit_metric", "series_limit_metric", "size", "x", "y",
)  # fmt: skip


class _Dataset:
    """What may be named in charts on one dataset: columns with their types, and metrics."""

    def __init__(self, path: str, content: Mapping[str, Any], model: Model | None) -> None:
        self.path, self.table = path, content.get("table_name")
        self.types = (
            {c.name: superset_type(c.data_type) for c in model.columns.values()} if model else {}
        )
        self.calculated = {c["column_name"] for c in content.get("columns", [])}
        self.metrics = {m["metric_name"] for m in content.get("metrics", [])}

    def has_column(self, name: str) -> bool:
        return name in self.types or name in self.calculated


def mistakes(assets: Assets, models: Mapping[str, Model]) -> list[str]:
    """Return every mistake in the assets as a sentence that says where it is; empty: all fits."""
    found: list[str] = []
    seen: dict[str, str] = {}
    for path, content in assets.files.items():
        uuid = str(content.get("uuid"))
        if path != "metadata.yaml" and seen.setdefault(uuid, path) != path:
            found.append(f"{path}: uuid {uuid} is that of {seen[uuid]} too")
    datasets = {}
    for path, content in assets.of("datasets").items():
        found += _check_dataset(path, content, assets, models)
        table = str(content.get("table_name"))
        datasets[str(content.get("uuid"))] = _Dataset(path, content, models.get(table))
    for path, content in assets.of("charts").items():
        found += _check_chart(path, content, datasets)
    used: set[str] = set()
    for path, content in assets.of("dashboards").items():
        found += _check_dashboard(path, content, assets, datasets)
        used |= set(charts_of(content))
    for path, content in assets.of("charts").items():
        if str(content.get("uuid")) not in used:
            found.append(f"{path}: stands on no dashboard")
    return found


def models_of(assets: Assets, dashboard: Mapping[str, Any]) -> set[str]:
    """Return the dbt models that a dashboard's charts and filters read."""
    charts, datasets = assets.by_uuid("charts"), assets.by_uuid("datasets")
    uuids = {str(charts[uuid]["dataset_uuid"]) for uuid in charts_of(dashboard)}
    uuids |= {uuid for _, uuid, _ in filter_targets(dashboard)}
    return {str(datasets[uuid]["table_name"]) for uuid in uuids}


def charts_of(dashboard: Mapping[str, Any]) -> list[str]:
    """Return the uuids of the charts that stand on a dashboard."""
    return [
        str(node["meta"].get("uuid"))
        for node in dashboard.get("position", {}).values()
        if isinstance(node, dict) and node.get("type") == "CHART"
    ]


def filter_targets(dashboard: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return (filter, dataset uuid, column) of a dashboard's native filters."""
    return [
        (str(item["name"]), str(target["datasetUuid"]), str(target["column"]["name"]))
        for item in dashboard.get("metadata", {}).get("native_filter_configuration", [])
        for target in item.get("targets", [])
        if target
    ]


# --- one file ------------------------------------------------------------------------------------


def _check_dataset(
    path: str, content: Mapping[str, Any], assets: Assets, models: Mapping[str, Model]
) -> Iterator[str]:
    if str(content.get("database_uuid")) not in assets.by_uuid("databases"):
        yield f"{path}: no database has the uuid {content.get('database_uuid')}"
    if content.get("schema") != SCHEMA:
        yield f"{path}: schema is {content.get('schema')}, only {SCHEMA} may be shown"
    model = models.get(str(content.get("table_name")))
    if model is None:
        yield f"{path}: dbt has no model {content.get('table_name')} in schema {SCHEMA}"
        return
    places = [c for c in model.columns if c.endswith(("region_code", COUNTY_COLUMN))]
    if places and COUNTY_COLUMN not in model.columns and model.name not in _OPEN_TO_ALL:
        yield f"{path}: {model.name} has {places[0]} but no {COUNTY_COLUMN}: no row rule could hold"
    for column in model.columns.values():
        if not _CHINESE.search(column.label):
            yield f"{path}: dbt's column {model.name}.{column.name} has no Chinese label"
    found = _Dataset(path, content, model)
    main = content.get("main_dttm_col")
    if main is not None and found.types.get(main) not in _DATES:
        yield f"{path}: main date column {main} is no date of dbt model {model.name}"
    for metric in content.get("metrics", []):
        where = f"{path}: metric {metric['metric_name']}"
        if not _CHINESE.search(metric.get("verbose_name") or ""):
            yield f"{where} has no Chinese label"
        yield from _check_sql(where, metric["expression"], found)
    for column in content.get("columns", []):
        where = f"{path}: column {column['column_name']}"
        if column["column_name"] in found.types:
            yield f"{where} comes from dbt: leave it out here"
        elif not column.get("expression"):
            yield f"{where} is no column of dbt model {model.name} and has no expression"
        else:
            yield from _check_sql(where, column["expression"], found)
        if not _CHINESE.search(column.get("verbose_name") or ""):
            yield f"{where} has no Chinese label"


def _check_sql(where: str, expression: str, dataset: _Dataset) -> Iterator[str]:
    """Check that every name in an SQL expression is a column; sums need numbers."""
    bare = re.sub(r"'[^']*'", "''", expression.lower())
    for name, call in re.findall(r"(?<![:\w])([a-z_][a-z_0-9]*)\b(\s*\()?", bare):
        if not call and name not in _SQL_WORDS and not dataset.has_column(name):
            yield f"{where} names {name}, which dataset {dataset.table} has not"
    for name in re.findall(r"\b(?:sum|avg)\(\s*([a-z_][a-z_0-9]*)\s*\)", bare):
        if dataset.types.get(name, "NUMERIC") not in _NUMBERS:
            yield f"{where} adds {name}, which is {dataset.types[name]}"


def _check_chart(
    path: str, content: Mapping[str, Any], datasets: Mapping[str, _Dataset]
) -> Iterator[str]:
    if not _CHINESE.search(content.get("slice_name") or ""):
        yield f"{path}: the title is not Chinese"
    dataset = datasets.get(str(content.get("dataset_uuid")))
    if dataset is None:
        yield f"{path}: no dataset has the uuid {content.get('dataset_uuid')}"
        return
    if not dataset.types:
        return  # told already: the dataset has no dbt model
    params = content.get("params", {})
    for key in _COLUMN_KEYS:
        for name in _listed(params.get(key)):
            if isinstance(name, dict):
                yield from _check_sql(f"{path}: {key}", name["sqlExpression"], dataset)
            elif not dataset.has_column(name):
                yield f"{path}: {key} names column {name}, which dataset {dataset.table} has not"
    for key in _METRIC_KEYS:
        for metric in _listed(params.get(key)):
            yield from _check_metric(f"{path}: {key}", metric, dataset)
    for item in params.get("adhoc_filters", []):
        if item["expressionType"] == "SQL":
            yield from _check_sql(f"{path}: filter", item["sqlExpression"], dataset)
        elif not dataset.has_column(item["subject"]):
            yield (
                f"{path}: filter names column {item['subject']},"
                f" which dataset {dataset.table} has not"
            )
    for order in params.get("order_by_cols", []):
        name = re.sub(r'^\["([^"]*)".*$', r"\1", order)
        if not dataset.has_column(name):
            yield f"{path}: order names column {name}, which dataset {dataset.table} has not"
    labels = {
        m if isinstance(m, str) else m.get("label")
        for key in _METRIC_KEYS
        for m in _listed(params.get(key))
    }
    named = [*params.get("column_config", {}), *(
        f["column"] for f in params.get("conditional_formatting", [])
    )]  # fmt: skip
    for name in named:
        if name not in labels and not dataset.has_column(name):
            yield f"{path}: the format of {name} belongs to no column or metric of the chart"


def _check_metric(where: str, metric: Any, dataset: _Dataset) -> Iterator[str]:
    if isinstance(metric, str):
        if metric not in dataset.metrics:
            yield f"{where} names metric {metric}, which dataset {dataset.table} has not"
        return
    if not _CHINESE.search(metric.get("label") or ""):
        yield f"{where}: metric {metric.get('label')} has no Chinese label"
    if metric["expressionType"] == "SQL":
        yield from _check_sql(where, metric["sqlExpression"], dataset)
        return
    name = metric["column"]["column_name"]
    if not dataset.has_column(name):
        yield f"{where} names column {name}, which dataset {dataset.table} has not"
    elif metric["aggregate"] in ("SUM", "AVG") and (
        dataset.types.get(name, "NUMERIC") not in _NUMBERS
    ):
        yield f"{where} adds {name}, which is {dataset.types[name]}"


def _check_dashboard(
    path: str,
    content: Mapping[str, Any],
    assets: Assets,
    datasets: Mapping[str, _Dataset],
) -> Iterator[str]:
    if not _CHINESE.search(content.get("dashboard_title") or ""):
        yield f"{path}: the title is not Chinese"
    charts = assets.by_uuid("charts")
    for uuid in charts_of(content):
        if uuid not in charts:
            yield f"{path}: no chart has the uuid {uuid}"
    for name, uuid, column in filter_targets(content):
        if not _CHINESE.search(name):
            yield f"{path}: filter {name} has no Chinese name"
        dataset = datasets.get(uuid)
        if dataset is None:
            yield f"{path}: filter {name}: no dataset has the uuid {uuid}"
        elif dataset.types and not dataset.has_column(column):
            yield (
                f"{path}: filter {name} names column {column},"
                f" which dataset {dataset.table} has not"
            )


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
