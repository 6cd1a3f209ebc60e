"""The page of dbt's documentation, without what its artefacts say of a machine or a user."""

import json
from collections.abc import Mapping
from typing import Any

from eduplan.contract import Contract

_KEPT_METADATA = (
    "dbt_schema_version",
    "dbt_version",
    "generated_at",
    "project_name",
    "adapter_type",
)
_PATHS = ("compiled_path", "build_path", "root_path")


def describe_sources(manifest: dict[str, Any], contracts: Mapping[str, Contract]) -> None:
    """Describe the tables of published rows, and their columns, in the words of their contracts."""
    for source in manifest["sources"].values():
        contract = contracts.get(source["name"]) if source["source_name"] == "raw" else None
        if contract is None:
            continue
        source["description"] = f"{contract.title_zh}。{contract.description}"
        source["columns"] = {
            column.name: {
                "name": column.name,
                "description": "。".join(filter(None, (column.label, column.description))),
                "data_type": "text",
                "meta": {},
                "tags": [],
            }
            for column in contract.columns
        }


def render(template: str, manifest: dict[str, Any], catalog: dict[str, Any]) -> str:
    """Return dbt's page ``template`` with both artefacts inside, stripped.

    Raises ValueError when the template has no place for them.
    """
    for artefact in (manifest, catalog):
        artefact["metadata"] = {
            name: value for name, value in artefact["metadata"].items() if name in _KEPT_METADATA
        }
    for nodes in (manifest["nodes"], manifest["sources"], catalog["nodes"], catalog["sources"]):
        for node in nodes.values():
            for name in _PATHS:
                node.pop(name, None)
            if "owner" in node.get("metadata", {}):
                node["metadata"]["owner"] = ""
    for name, artefact in (("MANIFEST", manifest), ("CATALOG", catalog)):
        place = f'"{name}.JSON INLINE DATA"'
        if place not in template:
            raise ValueError(f"dbt's page has no {place}")
        # A description must not end the script that it stands in.
        text = json.dumps(artefact, ensure_ascii=False).replace("</", "<\\/")
        template = template.replace(place, text)
    return template
