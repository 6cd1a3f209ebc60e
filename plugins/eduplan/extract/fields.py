"""Names of the fields that a source has and the contract has not, or the reverse; never a value.

Names come from outside: those kept are few, short and without control characters, and a long
number in one is hidden, since an object may have people as its keys. Nothing is told of what lies
inside an unknown object for the same reason.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from eduplan.contract import Column, Contract

MOST = 50
"""Unknown names that are kept of one reading."""
_LONGEST = 80
_LONG_NUMBER = re.compile(r"\d{6,}")
_UNSHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def at_source(column: Column) -> str:
    """Return what the source calls ``column``: a JSON path or a database column."""
    return column.aliases[0] if column.aliases else column.name


def known(contract: Contract) -> frozenset[str]:
    """Return the names at the source that the contract reads or leaves unread on purpose."""
    return frozenset({*map(at_source, contract.columns), *_unread(contract)})


def optional(contract: Contract) -> set[str]:
    """Return the columns that a record may lack."""
    return {
        column.name
        for column in contract.columns
        if not column.required and not column.key and column.name != contract.tombstone
    }


def harmless(name: str) -> str:
    """Return ``name`` fit to be stored and shown."""
    shown = "".join(
        "\ufffd" if unicodedata.category(c) in _UNSHOWN else c for c in name[: 4 * _LONGEST]
    )
    shown = _LONG_NUMBER.sub("#", shown)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


def unknown_columns(contract: Contract, names: Iterable[str]) -> list[str]:
    """Return those of a table's columns that ``contract`` does not know, as they may be shown."""
    here = known(contract)
    return list(dict.fromkeys(harmless(name) for name in names if name not in here))[:MOST]


def _unread(contract: Contract) -> list[str]:
    return [str(name) for name in contract.source.options.get("unread") or ()]


@dataclass
class _Node:
    """A name in the records: what is read there, and what below it."""

    known: bool = False
    columns: set[str] = field(default_factory=set)
    all: set[str] = field(default_factory=set)
    below: "dict[str, _Node]" = field(default_factory=dict)


class Fields:
    """What the JSON records seen so far have beyond the contract, and what none of them has."""

    def __init__(self, contract: Contract, unknown: Iterable[str], absent: Iterable[str]) -> None:
        self.unknown = dict.fromkeys(unknown)
        self.absent = set(absent)
        self._root: dict[str, _Node] = {}
        for column in contract.columns:
            self._plant(at_source(column), column.name)
        for path in _unread(contract):
            self._plant(path, None)

    def _plant(self, path: str, column: str | None) -> None:
        level, node = self._root, _Node()
        for part in path.split("."):
            node = level.setdefault(part, _Node())
            level = node.below
            if column is not None:
                node.all.add(column)
        node.known = True
        if column is not None:
            node.columns.add(column)

    def look(self, record: Mapping[str, Any], *, alive: bool) -> None:
        """Take in one record; a deleted one shows what is new, not what is absent."""
        self._level(record, self._root, "", alive)

    def _level(
        self, values: Mapping[str, Any], nodes: Mapping[str, _Node], path: str, alive: bool
    ) -> None:
        for name, value in values.items():
            node = nodes.get(name)
            if node is None:
                self._new(path, name)
                continue
            if alive and self.absent:
                # A blank object has all its fields, blank.
                self.absent -= node.all if value is None else node.columns
            if node.below and isinstance(value, dict):
                self._level(value, node.below, f"{path}{name}.", alive)
            elif not node.known and value is not None:
                self._new(path, name)

    def _new(self, path: str, name: str) -> None:
        if len(self.unknown) < MOST:
            # A dot within a name leads nowhere: it must not look like a path.
            shown = json.dumps(name, ensure_ascii=False) if "." in name or not name else name
            self.unknown[harmless(path + shown)] = None
