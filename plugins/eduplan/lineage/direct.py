"""Columns of a model by the columns of the relations that it reads, one step and no further."""

from functools import cache

from eduplan.lineage.project import Project
from eduplan.lineage.trace import ALL, Columns, Kind, Open, Origin, Origins, Tracer, Value


class Step(Tracer):
    """Takes what a model reads as given: its columns are where the way ends."""

    literals = False

    def __init__(self, project: Project) -> None:
        super().__init__(project)
        self.columns = cache(self._columns)
        self.kinds = cache(self.read)

    def _relation(self, name: str) -> tuple[Kind, ...]:
        if name not in self.project.models:
            return super()._relation(name)
        if any(isinstance(kind.columns, Open) for kind in self.kinds(name)):
            return (Kind(Open(name), counted=frozenset({Origin(name, ALL)})),)
        columns: Columns = {
            column: Value(frozenset({Origin(name, column)})) for column in self.columns(name)
        }
        return (Kind(columns, counted=frozenset({Origin(name, ALL)})),)

    def _columns(self, model: str) -> dict[str, Origins]:
        """Return {column: origins} of a model; rows it depends on as a whole are left out."""
        found: dict[str, Origins] = {}
        for kind in self.kinds(model):
            for column, value in kind.columns.items():
                found[column] = found.get(column, frozenset()) | value.origins
        return found
