"""The views of schema ``bi`` as the database and their contract describe them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from eduplan.errors import EduplanError
from eduplan.export.snapshot import SCHEMA, Snapshot

CONTRACT = Path("docs") / "contracts" / "bi.odcs.yaml"


@dataclass(frozen=True)
class Column:
    """One column: ``title`` in Chinese, ``type`` as PostgreSQL writes it, unit where it has one."""

    name: str
    title: str
    type: str
    description: str
    unit: str = ""

    @property
    def base(self) -> str:
        """Type without precision, e.g. ``numeric``."""
        return self.type.split("(")[0]


@dataclass(frozen=True)
class View:
    """One view, under its English or Chinese name; ``key`` names the columns that tell rows apart.

    ``code`` is the English name, ``codes`` are those of the columns; ``version`` is that of the
    contract.
    """

    name: str
    code: str
    title: str
    description: str
    columns: tuple[Column, ...]
    codes: tuple[str, ...]
    key: tuple[str, ...]
    version: str

    def at(self, *codes: str) -> int | None:
        """Return the position of the first of ``codes`` (English names) that is a column."""
        return next((self.codes.index(code) for code in codes if code in self.codes), None)


@dataclass(frozen=True)
class Catalog:
    """The views, English and Chinese, by name."""

    views: Mapping[str, View]

    def chosen(self, names: Sequence[str]) -> list[View]:
        """Return the views called ``names``; without any, all under their English names."""
        unknown = [name for name in names if name not in self.views]
        if unknown:
            english = (view.name for view in self.views.values() if view.name == view.code)
            raise EduplanError(
                f"there is no view {', '.join(unknown)}",
                hint=f"there are {', '.join(english)}, each also under its Chinese name",
            )
        if names:
            return [self.views[name] for name in dict.fromkeys(names)]
        return [view for view in self.views.values() if view.name == view.code]


def read_catalog(snap: Snapshot, project_dir: Path) -> Catalog:
    """Read what the views are: names, keys and units from the contract, the rest from the server.

    Raises EduplanError where the contract names a view or column that the warehouse lacks.
    """
    path = project_dir / CONTRACT
    try:
        contract = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        raise EduplanError(
            f"the contract of the views is not at {path}", hint="set EDUPLAN_PROJECT_DIR"
        ) from None
    built: dict[str, list[dict[str, Any]]] = {}
    for row in snap.rows("columns", {"schema": SCHEMA}):
        built.setdefault(row["view"], []).append(row)
    views = {}
    for promised in contract["schema"]:
        for view in _pair(promised, built, contract["version"]):
            views[view.name] = view
    return Catalog(views)


def _pair(
    promised: Mapping[str, Any],
    built: Mapping[str, Sequence[Mapping[str, Any]]],
    version: str,
) -> Iterator[View]:
    """Yield an English view and its Chinese twin: the same columns in the same order."""
    properties = promised["properties"]
    codes = tuple(item["name"] for item in properties)
    twin = _words(promised)
    titles = [_words(item) for item in properties]
    keyed = sorted(
        (item["primaryKeyPosition"], at)
        for at, item in enumerate(properties)
        if item.get("primaryKey")
    )
    for name, names in ((promised["name"], codes), (twin, tuple(titles))):
        found = built.get(name, [])
        if [row["name"] for row in found] != list(names):
            raise EduplanError(
                f"{SCHEMA}.{name} is not as {CONTRACT} says", hint="run `eduplan build`"
            )
        yield View(
            name=name,
            code=promised["name"],
            title=twin,
            description=found[0]["view_comment"],
            columns=tuple(
                Column(row["name"], title, row["type"], row["comment"], _custom(item, "unit"))
                for row, title, item in zip(found, titles, properties, strict=True)
            ),
            codes=codes,
            key=tuple(names[at] for _, at in keyed),
            version=version,
        )


def _words(item: Mapping[str, Any]) -> str:
    return str(item["businessName"])


def _custom(item: Mapping[str, Any], name: str) -> str:
    found = [p["value"] for p in item.get("customProperties", ()) if p["property"] == name]
    return str(found[0]) if found else ""
