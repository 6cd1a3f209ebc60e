"""From an indicator of the registry to the columns of the contracts, and back.

terms of the registry → measure@stage → model that measures it → column of staging → column of the
contract → source system. Indicators built on others take over the chains of those.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlglot import exp

from eduplan.contract import Contract, load_contracts
from eduplan.errors import EduplanError
from eduplan.lineage import trace
from eduplan.lineage.project import Project
from eduplan.lineage.trace import ALL, Kind, Origin, Tracer, as_role
from eduplan.settings import Settings

_TERM = re.compile(r"([a-z0-9_]+)@([a-z]+)(?:\[-(\d+)\])?")
_MEASURES = "int_school__measures"
SPLIT = "split"
"""Role of a column that is asked for the girls' and boys' values only."""
ROLES = (*trace.ROLES, SPLIT)
PIPELINE = "eduplan"
"""Source system of seeds and of the tables that the pipeline itself writes."""


@dataclass(frozen=True)
class Term:
    """One term of an indicator: a measure of a stage, ``back`` periods before, on one side."""

    side: str
    measure: str
    stage: str
    back: int = 0

    @property
    def key(self) -> str:
        """Name of the measured thing, e.g. ``pupils@primary``."""
        return f"{self.measure}@{self.stage}"


@dataclass(frozen=True)
class Column:
    """A source column of a measure; ``where``: conditions under which its rows are taken."""

    dataset: str
    column: str
    label: str
    """Header in the delivered files (Chinese); empty for seeds."""
    system: str
    role: str
    staging: tuple[str, ...]
    where: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return ``dataset.column``."""
        return f"{self.dataset}.{self.column}"


@dataclass(frozen=True)
class Measured:
    """A measure of a stage: the models that measure it and the columns that it comes from."""

    key: str
    models: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def resolved(self) -> bool:
        """Tell whether anything but keys was found behind it."""
        return any(column.role in ("value", "filter") for column in self.columns)


@dataclass(frozen=True)
class Indicator:
    """One row of the registry; ``bases``: the indicators that it is built on."""

    code: str
    name_zh: str
    parent: str
    action: str
    kind: str
    is_computed: bool
    terms: tuple[Term, ...]
    bases: tuple[str, ...]


@dataclass(frozen=True)
class Lineage:
    """All chains: indicators by code, what is measured by ``measure@stage``."""

    indicators: dict[str, Indicator]
    measured: dict[str, Measured]

    def terms(self, code: str) -> Iterator[tuple[str, Term]]:
        """Yield (indicator, term) of an indicator and of those that it is built on."""
        indicator = self.indicators[code]
        for term in indicator.terms:
            yield code, term
        for base in indicator.bases:
            yield from self.terms(base)

    def columns(self, code: str) -> dict[str, str]:
        """Return {source column: strongest role} of an indicator."""
        found: dict[str, str] = {}
        for _, term in self.terms(code):
            for column in self.measured[term.key].columns:
                before = found.get(column.name, ROLES[-1])
                found[column.name] = min(before, column.role, key=ROLES.index)
        return found

    def touched_by(self, name: str) -> list[tuple[str, str, str]]:
        """Return (indicator, measure@stage, role) of what ``dataset.column`` takes part in."""
        return [
            (code, term.key, column.role)
            for code in self.indicators
            for _, term in self.terms(code)
            for column in self.measured[term.key].columns
            if column.name == name
        ]

    def unresolved(self) -> list[str]:
        """Return what is measured and could not be followed to any column."""
        return [key for key, measured in self.measured.items() if not measured.resolved]


def derive(settings: Settings) -> Lineage:
    """Follow every indicator of the registry to its source columns; no database is needed."""
    contracts = load_contracts(settings.expectations_dir)
    project = Project(settings.dbt_dir, contracts)
    indicators = {
        row["indicator_code"]: Indicator(
            code=row["indicator_code"],
            name_zh=row["indicator_name_zh"],
            parent=row["parent_code"],
            action=row["action_code"],
            kind=row["kind"],
            is_computed=row["is_computed"] == "true",
            terms=(
                *_terms("numerator", row["numerator_terms"]),
                *_terms("denominator", row["denominator_terms"]),
            ),
            bases=tuple(filter(None, row["base_indicators"].split("|"))),
        )
        for row in sorted(project.seed("indicator"), key=lambda row: int(row["sort_order"]))
    }
    rows = _measure_rows(project)
    keys = sorted({term.key for indicator in indicators.values() for term in indicator.terms})
    measured = {key: _measured(key, rows, contracts) for key in keys}
    return Lineage(indicators, measured)


def _terms(side: str, text: str) -> list[Term]:
    return [
        Term(side, match[1], match[2], int(match[3] or 0))
        for part in filter(None, text.replace(" ", "").split("+"))
        if (match := _TERM.fullmatch(part))
    ]


def _measure_rows(project: Project) -> list[tuple[str, Kind]]:
    """Return (model, kind of rows) of every model that the measures are put together from."""
    tracer = Tracer(project)
    tables = {table.name for table in project.query(_MEASURES).find_all(exp.Table)}
    models = sorted(name for name in tables if name.startswith("int_measure__"))
    if not models:
        raise EduplanError(f"lineage: {_MEASURES} names no model of measures")
    return [(model, kind) for model in models for kind in tracer.relation(model)]


def _measured(key: str, rows: list[tuple[str, Kind]], contracts: dict[str, Contract]) -> Measured:
    measure, stage = key.split("@")
    models: list[str] = []
    whole: set[Origin] = set()
    by_sex: set[Origin] = set()
    for model, kind in rows:
        codes, stages = kind.columns["measure_code"].known, kind.columns["stage"].known
        if codes is None:
            raise EduplanError(f"lineage: {model} does not say which measures it holds")
        if measure not in codes or stages is not None and stage not in stages:
            continue
        if model not in models:
            models.append(model)
        sexes = kind.columns["sex"].known if "sex" in kind.columns else None
        origins = whole if sexes is None or "total" in sexes else by_sex
        origins |= kind.columns["value"].origins | kind.origins
        if stages is None or len(stages) > 1:
            origins |= as_role(kind.columns["stage"].origins, "filter")
        for name in ("reporter_code", "period_year", "sex"):
            if name in kind.columns:
                origins |= as_role(kind.columns[name].origins, "key")
    places = {(o.dataset, o.column) for o in whole}
    split = {replace(o, role=SPLIT) for o in by_sex if (o.dataset, o.column) not in places}
    return Measured(key, tuple(models), tuple(_columns(whole | split, contracts)))


def _columns(origins: set[Origin], contracts: dict[str, Contract]) -> Iterator[Column]:
    def place(origin: Origin) -> tuple[str, str]:
        return origin.dataset, origin.column

    found = []
    for (dataset, column), group in itertools.groupby(sorted(origins, key=place), place):
        members = list(group)
        role = min((o.role for o in members), key=ROLES.index)
        members = [o for o in members if o.role == role]
        contract = contracts.get(dataset)
        label = "" if contract is None or column == ALL else contract.column(column).label
        where = {" and ".join(sorted(o.where)) for o in members}
        found.append(
            Column(
                dataset=dataset,
                column=column,
                label=label,
                system=contract.system if contract else PIPELINE,
                role=role,
                staging=tuple(sorted({o.staging for o in members if o.staging})),
                where=tuple(sorted(where - {""})) if "" not in where else (),
            )
        )
    yield from sorted(found, key=lambda c: (ROLES.index(c.role), c.dataset, c.column))
