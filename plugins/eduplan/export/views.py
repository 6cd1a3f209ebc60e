"""The views of schema ``bi`` as the database and their contract describe them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from eduplan.errors import EduplanError
from eduplan.export.snapshot import Snapshot

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
    """One view; ``key`` names the columns that tell its rows apart, ``code`` its English name."""

    name: str
    code: str
    title: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    def at(self, *names: str) -> int | None:
        """Return the position of the first of ``names`` that is a column (English names)."""
        for name in names:
            for position, column in enumerate(self.columns):
                if column.name == name:
                    return position
        return None
