"""What the files of an export mean, as a Frictionless Data Package: ``datapackage.json``.

Words come from the comments of the database and the contract of the views; nothing is said here
a second time. https://datapackage.org/standard/data-package/ (version 2.0); what the standard has
no name for stands under ``eduplan``.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eduplan.export.folder import MANIFEST
from eduplan.export.snapshot import Snapshot
from eduplan.export.views import Column, View

_PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
_RULE = (
    "人数低于阈值的数，连同可由其他公布数推算出它的数，一并隐去：值为空，is_suppressed 为真。"
    "Counts of persons below the threshold are hidden together with every number that would reveal"
    " them: the value is empty and is_suppressed is true."
)
_ESCAPE = (
    "以 = + - @（含全角）、制表符或换行开头的文本前加一个单引号，以免电子表格把它当作公式；"
    "原文以若干单引号再接上述字符开头的，同样多加一个。读取时去掉一个即为原文。"
    "A text that begins with = + - @ (also full-width), tab or line break, after any number of ',"
    " has one more ' before it, so that no spreadsheet takes it for a formula: take one away to"
    " read it back."
)
_TYPES = {
    "smallint": "integer",
    "integer": "integer",
    "bigint": "integer",
    "numeric": "number",
    "real": "number",
    "double precision": "number",
    "boolean": "boolean",
    "date": "date",
    "timestamp with time zone": "datetime",
    "timestamp without time zone": "datetime",
}


def resource(
    path: Path, name: str, title: str, mediatype: str, *, rows: int | None = None, **more: Any
) -> dict[str, Any]:
    """Describe a file that is written: size, hash, and ``more`` properties of the standard."""
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return {
        "name": name,
        "path": path.name,
        "title": title,
        "format": path.suffix.removeprefix("."),
        "mediatype": mediatype,
        "bytes": path.stat().st_size,
        "hash": f"sha256:{digest}",
        **({} if rows is None else {"rows": rows}),
        **more,
    }


def csv_properties(bom: bool) -> dict[str, Any]:
    """Return how a CSV file of ours is to be read."""
    return {
        "encoding": "utf-8",
        "dialect": {
            "delimiter": ",",
            "lineTerminator": "\r\n",
            "quoteChar": '"',
            "doubleQuote": True,
            "header": True,
        },
        "eduplan:byteOrderMark": bom,
        "eduplan:textCells": _ESCAPE,
    }


def table_schema(view: View, *, empty_is_missing: bool) -> dict[str, Any]:
    """Return the Table Schema of a view: every column with its Chinese title and its meaning."""
    return {
        "fields": [_field(column) for column in view.columns],
        "primaryKey": list(view.key),
        "missingValues": [""] if empty_is_missing else [],
    }


def _field(column: Column) -> dict[str, Any]:
    kind = _TYPES.get(column.base, "string")
    return {
        "name": column.name,
        "title": column.title,
        "type": kind,
        "description": column.description,
        **({"trueValues": ["true"], "falseValues": ["false"]} if kind == "boolean" else {}),
        **({"unit": column.unit} if column.unit else {}),
        "eduplan:sqlType": column.type,
    }


def write_manifest(
    folder: Path,
    snap: Snapshot,
    name: str,
    title: str,
    resources: Sequence[dict[str, Any]],
    version: str = "",
    plans: Sequence[dict[str, Any]] = (),
    **more: Any,
) -> None:
    """Write ``datapackage.json``, the last file of an export.

    ``version`` is that of the contract, ``plans`` are those whose targets stand in the files.
    ``more`` goes under ``eduplan``.
    """
    body: dict[str, Any] = {
        "$schema": _PROFILE,
        "name": name,
        "title": title,
        **({"version": version} if version else {}),
        "created": snap.built_at.isoformat(),
        "sources": [{"title": snap.facts()["source"]}],
        "eduplan": {
            "build": {"id": snap.build_id, "finished_at": snap.built_at.isoformat()},
            "deadlines_counted_to": snap.day.isoformat(),
            "plan_versions": list(plans),
            "is_demonstration": snap.is_synthetic or any(p["is_demonstration"] for p in plans),
            "is_synthetic": snap.is_synthetic,
            "suppression": {"threshold": snap.threshold, "rule": _RULE},
            **more,
        },
        "resources": list(resources),
    }
    text = json.dumps(body, ensure_ascii=False, indent=2) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
