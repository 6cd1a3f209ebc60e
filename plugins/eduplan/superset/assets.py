"""Superset's assets as files under ``bi/assets``, and the bundle that Superset imports.

A dataset file says what only Superset must know: its id, metrics, main date column. Its columns,
their types, Chinese labels and descriptions come from the dbt model of the same name, so that they
stand in one place.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from eduplan.errors import EduplanError

KINDS = ("databases", "datasets", "charts", "dashboards")
SCHEMA = "bi"
COUNTY_COLUMN = "county_code"
"""Whose business a row is: row rules of counties look at it."""
DATABASE_FILE = "databases/eduplan.yaml"


class AssetError(EduplanError):
    """The assets of ``bi/assets`` do not fit together; the message lists every mistake found."""


@dataclass(frozen=True)
class Column:
    """A column of a dbt model: its PostgreSQL type, Chinese label and description."""

    name: str
    data_type: str
    label: str
    description: str


@dataclass(frozen=True)
class Model:
    """A view of schema ``bi`` as dbt describes it."""

    name: str
    label: str
    description: str
    columns: Mapping[str, Column]


@dataclass(frozen=True)
class Assets:
    """All files of ``bi/assets`` as they were read: {path below the folder: content}."""

    files: Mapping[str, dict[str, Any]]

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the files of one kind: databases, datasets, charts or dashboards."""
        return {p: c for p, c in self.files.items() if p.split("/", 1)[0] == kind}

    def by_uuid(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the contents of one kind by uuid."""
        return {str(c.get("uuid")): c for c in self.of(kind).values()}


def load_assets(folder: Path) -> Assets:
    """Read every YAML file below ``folder``."""
    found = {}
    for path in sorted(folder.rglob("*.yaml")):
        try:
            found[path.relative_to(folder).as_posix()] = yaml.safe_load(path.read_text("utf-8"))
        except yaml.YAMLError as error:
            raise AssetError(f"{path} is not YAML: {error}") from None
    if "metadata.yaml" not in found:
        raise AssetError(f"{folder} has no metadata.yaml", hint="is it a checkout of eduplan?")
    return Assets(found)


def load_models(dbt_dir: Path) -> dict[str, Model]:
    """Return the views of schema ``bi`` by name, from dbt's own description files.

    Chinese names and notes are the ``meta`` that the views' Chinese twins are made of.
    """
    found = {}
    for path in sorted((dbt_dir / "models" / SCHEMA).glob("*.yml")):
        for model in yaml.safe_load(path.read_text("utf-8")).get("models", []):
            name = model["name"].removeprefix(f"{SCHEMA}_")
            meta = model.get("config", {}).get("meta", {})
            columns = {
                c["name"]: Column(
                    c["name"],
                    str(c.get("data_type", "")),
                    str(c.get("config", {}).get("meta", {}).get("zh", "")),
                    str(c.get("config", {}).get("meta", {}).get("note", "")),
                )
                for c in model.get("columns", [])
            }
            found[name] = Model(name, str(meta.get("zh", "")), str(meta.get("note", "")), columns)
    return found


# --- columns -------------------------------------------------------------------------------------

# PostgreSQL's type as dbt names it -> type as Superset names it.
_TYPES = {
    "text": "TEXT",
    "numeric": "NUMERIC",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamptz": "TIMESTAMP WITH TIME ZONE",
    "timestamp with time zone": "TIMESTAMP WITH TIME ZONE",
    "double precision": "DOUBLE PRECISION",
}
_DATES = ("DATE", "TIMESTAMP WITH TIME ZONE")


def superset_type(data_type: str) -> str:
    """Return Superset's name of a PostgreSQL type, e.g. NUMERIC of numeric(28, 10)."""
    return _TYPES[data_type.split("(")[0].strip()]


def dataset_columns(model: Model) -> list[dict[str, Any]]:
    """Return the columns of a dataset as Superset imports them."""
    return [
        {
            "column_name": column.name,
            "verbose_name": column.label,
            "description": column.description,
            "type": superset_type(column.data_type),
            "is_dttm": superset_type(column.data_type) in _DATES,
            "is_active": True,
            "groupby": True,
            "filterable": True,
        }
        for column in model.columns.values()
    ]


# --- the bundle ----------------------------------------------------------------------------------


def bundle(assets: Assets, models: Mapping[str, Model], database_uri: str) -> bytes:
    """Return the ZIP file that Superset imports; ``database_uri`` must hold no password.

    The same assets give the same bytes.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in assets.files.items():
            made = dict(content)
            if path == DATABASE_FILE:
                made["sqlalchemy_uri"] = database_uri
            if path.startswith("datasets/"):
                model = models[made["table_name"]]
                made["columns"] = [*dataset_columns(model), *made.get("columns", [])]
                made.setdefault("description", model.description)
            text = yaml.safe_dump(made, allow_unicode=True, sort_keys=False)
            archive.writestr(zipfile.ZipInfo(f"assets/{path}", (2026, 1, 1, 0, 0, 0)), text)
    return buffer.getvalue()


def digest(*parts: Any) -> str:
    """Return what tells one state of assets and settings from another."""
    made = hashlib.sha256()
    for part in parts:
        made.update(part if isinstance(part, bytes) else json.dumps(part).encode())
    return made.hexdigest()
