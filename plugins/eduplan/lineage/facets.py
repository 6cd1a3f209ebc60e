"""Column lineage of models as facets of OpenLineage, by our own reading of the SQL.

The parser that OpenLineage brings takes a common table expression for a table of that name.
"""

import contextlib
import json
from pathlib import Path
from typing import Any

from eduplan.settings import Settings

_PARTS = {"value": ("DIRECT", ""), "filter": ("INDIRECT", "FILTER"), "key": ("INDIRECT", "JOIN")}

Found = dict[str, dict[str, list[list[str]]]]
"""{model: {column: [[relation, column, part], …]}}"""


def set_column_lineage(
    settings: Settings, manifest: dict[str, Any], events: list[Any], cache: Path, version: str
) -> None:
    """Give every output of ``events`` that is a model its columns' origins.

    ``manifest`` is dbt's, ``version`` that of the project: what was read once for a version stays
    in the file ``cache``, since reading all models takes seconds.
    """
    names = _names(manifest)
    models = {place: model for model, place in names.items()}
    found = _cached(settings, cache, version)
    for event in events:
        for output in event.outputs or ():
            output.facets.pop("columnLineage", None)
            columns = found.get(models.get(output.name, ""))
            if columns:
                output.facets["columnLineage"] = _facet(columns, output.namespace, names)
                if output.name.split(".")[1] == "bi":
                    _keep_read(event, columns, names)


def _keep_read(event: Any, columns: dict[str, list[list[str]]], names: dict[str, str]) -> None:
    """Leave the inputs of a view of bi that it reads: it waits for all marts (after_all_marts)."""
    read = {names.get(relation) for origins in columns.values() for relation, _, _ in origins}
    event.inputs = [dataset for dataset in event.inputs if dataset.name in read]


def _cached(settings: Settings, cache: Path, version: str) -> Found:
    with contextlib.suppress(OSError, ValueError, KeyError):
        kept = json.loads(cache.read_text("utf-8"))
        if kept["version"] == version:
            return dict(kept["models"])
    found = read_columns(settings)
    cache.write_text(json.dumps({"version": version, "models": found}), encoding="utf-8")
    return found


def read_columns(settings: Settings) -> Found:
    """Return the columns of every model with the columns they come from, one step back."""
    # sqlglot takes a second to import: only where somebody is told.
    from eduplan.contract import load_contracts
    from eduplan.errors import EduplanError
    from eduplan.lineage.direct import Step
    from eduplan.lineage.project import Project
    from eduplan.lineage.trace import ALL

    step = Step(Project(settings.dbt_dir, load_contracts(settings.expectations_dir)))
    found: Found = {}
    for model in step.project.models:
        with contextlib.suppress(EduplanError):  # not understood: a model without this facet
            found[model] = {
                column: sorted([o.dataset, o.column, o.role] for o in origins if o.column != ALL)
                for column, origins in step.columns(model).items()
            }
    return found


def _names(manifest: dict[str, Any]) -> dict[str, str]:
    """Return {relation as the models' SQL names it: name of the dataset}."""
    nodes = {
        node["name"]: f"{node['database']}.{node['schema']}.{node['alias']}"
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed", "snapshot")
    }
    sources = {
        f"{node['source_name']}.{node['name']}": (
            f"{node['database']}.{node['schema']}.{node['identifier']}"
        )
        for node in manifest["sources"].values()
    }
    return nodes | sources


def _facet(columns: dict[str, list[list[str]]], namespace: str, names: dict[str, str]) -> Any:
    from openlineage.client.facet_v2 import column_lineage_dataset as facet

    return facet.ColumnLineageDatasetFacet(
        fields={
            column: facet.Fields(inputFields=_inputs(origins, namespace, names))
            for column, origins in columns.items()
        }
    )


def _inputs(origins: list[list[str]], namespace: str, names: dict[str, str]) -> list[Any]:
    from openlineage.client.facet_v2 import column_lineage_dataset as facet

    found: dict[tuple[str, str], list[str]] = {}
    for relation, column, part in origins:
        # A published dataset's tables are known by their place in the database.
        name = names.get(relation) or names.get(f"raw.{relation}")
        if name:
            found.setdefault((name, column), []).append(part)
    return [
        facet.InputField(
            namespace=namespace,
            name=name,
            field=column,
            transformations=[
                facet.Transformation(type=_PARTS[part][0], subtype=_PARTS[part][1])
                for part in parts
            ],
        )
        for (name, column), parts in found.items()
    ]
