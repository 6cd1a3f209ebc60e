"""The views of schema ``bi`` as a data product, generated from the columns dbt holds them to.

``eduplan docs`` writes ``docs/contracts/bi.odcs.yaml`` (ODCS v3.1) and ``docs/reference/bi.md``.
``python -m eduplan.docs_bi`` freezes the names and types of a version in
``docs/contracts/released/``; a test compares what there is with the newest of them.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from eduplan.settings import Settings, load_settings

VERSION = "1.0.0"
"""Of the views: a minor version adds views or columns, a major one takes some away."""
MODELS = Path("models/bi/_bi__models.yml")
CONTRACT = Path("docs/contracts/bi.odcs.yaml")
REFERENCE = Path("docs/reference/bi.md")
RELEASED = Path("docs/contracts/released")

Columns = Mapping[str, str]
"""Column -> type."""
Release = Mapping[str, Columns]
"""View -> its columns."""

_LOGICAL = {
    "text": "string",
    "integer": "integer",
    "bigint": "integer",
    "numeric": "number",
    "date": "date",
    "timestamptz": "timestamp",
    "boolean": "boolean",
}
_HEAD: Mapping[str, Any] = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "eduplan-bi",
    "name": "教育指标 Education indicators",
    "version": VERSION,
    "status": "active",
    "domain": "education",
    "description": {
        "purpose": "Indicators of the city's education plan, its tasks, schools and the quality of"
        " the data, ready for a BI tool. Each view has a Chinese twin with the same rows: its name"
        " is the businessName of the view, its columns' names are theirs.",
        "limitations": "Small counts of persons are suppressed (is_suppressed), nothing is about a"
        " person. Rows about one place carry county_code: a reader of a county sees its own and"
        " those of the whole city. Baselines and targets of a demonstration plan"
        " (is_demonstration) are made up.",
        "usage": "Read-only. docs/bi.md says which view answers which question and how versions"
        " work; docs/access.md how to get an account.",
    },
    "team": {"name": "eduplan"},
    "servers": [
        {
            "server": "warehouse",
            "type": "postgresql",
            "host": "${EDUPLAN_DATABASE_URL}",
            "port": 5432,
            "database": "eduplan",
            "schema": "bi",
        }
    ],
}


def read_views(settings: Settings) -> list[dict[str, Any]]:
    """Return the dbt models of the views; ``name`` is that of the view."""
    models = yaml.safe_load((settings.dbt_dir / MODELS).read_text(encoding="utf-8"))["models"]
    return [{**model, "name": model["name"].removeprefix("bi_")} for model in models]


def release_of(settings: Settings) -> dict[str, dict[str, str]]:
    """Return names and types of all views, the Chinese ones included."""
    found: dict[str, dict[str, str]] = {}
    for view in read_views(settings):
        columns = view["columns"]
        found[view["name"]] = {c["name"]: c["data_type"] for c in columns}
        found[_meta(view)["zh"]] = {_meta(c)["zh"]: c["data_type"] for c in columns}
    return found


def last_release(settings: Settings) -> tuple[str, Release]:
    """Return version and views of the newest frozen release."""
    path = max(
        (settings.project_dir / RELEASED).glob("bi-*.yaml"), key=lambda p: _parts(p.stem[3:])
    )
    return path.stem[3:], yaml.safe_load(path.read_text(encoding="utf-8"))


def find_breaks(released: str, before: Release, version: str, now: Release) -> list[str]:
    """Say what a reader of release ``released`` would miss in ``version``, and what to do.

    Args:
        released: version of the last release.
        before: its views.
        version: version as it stands.
        now: the views as they stand.
    """
    advice = (
        "leave the view as it was, give the new shape a name of its own ({view}_v2) and raise the"
        " major version: docs/bi.md"
    )
    is_major = _parts(version)[0] > _parts(released)[0]
    found = []
    for view, columns in before.items():
        if view not in now:
            if not is_major:
                found.append(f"bi.{view} of {released} is gone: raise the major version for that")
            continue
        for column, kind in columns.items():
            there = now[view].get(column)
            if there != kind:
                what = "is gone" if there is None else f"was {kind} and is {there}"
                found.append(f"bi.{view}.{column} of {released} {what}: {advice.format(view=view)}")
    more = [
        f"bi.{view}.{column}"
        for view, columns in now.items()
        for column in columns
        if column not in before.get(view, {})
    ]
    if more and _parts(version)[:2] <= _parts(released)[:2]:
        found.append(
            f"{', '.join(more[:5])} were not in {released}: raise the minor version in docs_bi.py"
        )
    return found


def render_contract(settings: Settings) -> str:
    """Return the data contract of the views, in the words of their columns."""
    schema = []
    for view in read_views(settings):
        meta = _meta(view)
        schema.append(
            {
                "name": view["name"],
                "businessName": meta["zh"],
                "description": view["description"],
                "logicalType": "object",
                "physicalType": "view",
                "properties": [_property(column, meta["key"]) for column in view["columns"]],
                "customProperties": [{"property": "descriptionZh", "value": meta["note"]}],
            }
        )
    head = "# Generated by `eduplan docs` from dbt_project/models/bi; do not edit.\n"
    body = {**_HEAD, "schema": schema, "slaProperties": _SLA}
    return head + yaml.safe_dump(body, allow_unicode=True, sort_keys=False, width=100)


_SLA = [
    {
        "property": "frequency",
        "value": 1,
        "unit": "build",
        "description": "All views change together, after every build whose tests passed",
    }
]


def _property(column: Mapping[str, Any], key: Sequence[str]) -> dict[str, Any]:
    meta = _meta(column)
    found: dict[str, Any] = {
        "name": column["name"],
        "businessName": meta["zh"],
        "logicalType": _LOGICAL[column["data_type"].split("(")[0]],
        "physicalType": column["data_type"],
        "description": column["description"],
    }
    if column["name"] in key:
        found |= {"primaryKey": True, "primaryKeyPosition": 1 + key.index(column["name"])}
    notes = {"descriptionZh": meta["note"], "unit": _unit(column)}
    found["customProperties"] = [
        {"property": name, "value": value} for name, value in notes.items() if value
    ]
    return found


def _unit(column: Mapping[str, Any]) -> str:
    unit = str(_meta(column).get("unit", ""))
    return "as the row says (column unit)" if unit == "`unit`" else unit


def render_reference(settings: Settings) -> str:
    """Return the list of views and columns, in English and Chinese."""
    views = read_views(settings)
    lines = [
        "# 分析视图 Views of schema `bi`",
        "",
        "由 `dbt_project/models/bi` 生成，请勿手工修改：`eduplan docs`。用法见 [bi.md](../bi.md)。",
        f"Generated; do not edit. How to use them: [bi.md](../bi.md). Version {VERSION}.",
        "",
        "| 视图 view | 中文视图 Chinese view | 内容 content |",
        "| --- | --- | --- |",
        *(
            f"| [`{v['name']}`](#{v['name']}) | `{_meta(v)['zh']}` |"
            f" {_meta(v)['note']}<br>{v['description']} |"
            for v in views
        ),
        "",
    ]
    for view in views:
        lines += [
            f"## {view['name']}",
            "",
            f'`bi."{_meta(view)["zh"]}"` {_meta(view)["note"]}',
            "",
            view["description"],
            "",
            "| 列 column | 中文列 Chinese column | 类型 type | 说明 description |",
            "| --- | --- | --- | --- |",
        ]
        for column in view["columns"]:
            meta = _meta(column)
            text = f"{meta['note']}<br>{column['description']}".replace("|", "\\|")
            lines.append(
                f"| `{column['name']}` | `{meta['zh']}` | {column['data_type']} | {text} |"
            )
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def write(settings: Settings) -> list[Path]:
    """Write contract and reference; return their paths."""
    texts = {CONTRACT: render_contract(settings), REFERENCE: render_reference(settings)}
    for path, text in texts.items():
        (settings.project_dir / path).write_text(text, encoding="utf-8")
    return [settings.project_dir / path for path in texts]


def freeze(settings: Settings) -> Path:
    """Keep names and types of this version; a released version is never written again."""
    path = settings.project_dir / RELEASED / f"bi-{VERSION}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        yaml.safe_dump(release_of(settings), file, allow_unicode=True, sort_keys=False)
    return path


def _meta(node: Mapping[str, Any]) -> Mapping[str, str]:
    meta: Mapping[str, str] = node["config"]["meta"]
    return meta


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


if __name__ == "__main__":
    sys.stdout.write(f"{freeze(load_settings())}\n")
