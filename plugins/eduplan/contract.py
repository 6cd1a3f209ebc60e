"""Data contracts: read and check ``expectations/**/*.odcs.yaml`` (Open Data Contract Standard).

One file describes one dataset. What the standard has a place for stands there; the rest are
``customProperties``:

================  =============================================================================
top level         ``prefix`` (of rule ids), ``scope`` (below), ``scopeColumn``, ``tombstone``,
                  ``period`` ({kind, first, last}; kind: school_year | fiscal_year | year | none),
                  ``maxRejectRate`` (0 to 1), ``dependsOn`` (datasets), ``pool``
servers[0]        ``type``: files are ``local``, ``sftp`` or ``s3``; an HTTP API is ``api``, a
                  database is ``custom``. ``path``: glob of files below the source root or the
                  connection's folder, with ``{period}`` in it. ``format``; custom: ``connection``
                  (id of an Airflow connection; for all but local), ``layout`` (table | form |
                  crosstab | records), ``encoding``, ``options`` (below)
schema[0]         ``name`` = dataset; ``properties``: ``name``, ``businessName`` = header label,
                  ``logicalType``, ``required``, ``unique``, ``primaryKey``, ``classification``
                  (personal-direct | personal-indirect); custom: ``aliases`` (list of headers),
                  ``codes`` (name of a list in ``code_lists.yaml``, or value -> meaning)
quality           row rule: ``type: custom, engine: greatExpectations, implementation:
                  {predicate: SQL}`` or ``{uniqueColumns: […], where: SQL}``; table rule:
                  ``type: sql, query, mustBe: 0``. Both: ``id``, ``name``, ``severity``
                  (critical | warning | info), ``dimension``, ``description`` = the sentence in
                  Chinese; custom: ``sentenceEn``, ``fix``, ``columns``
slaProperties     ``property``/``value`` pairs; a ``schedule`` (cron) on one of them
team              ``name`` = owner; the member with ``role: steward`` gets the defect report
================  =============================================================================

What one delivery replaces (``scope``):

period   everything published for its period
full     everything published (datasets without periods)
school   in its period, the rows of the schools it holds: ``scopeColumn`` names the column with the
         school code
key      the rows of the same primary key (datasets without periods); a row whose ``tombstone``
         column says true, 1 or 是 only removes its key

Of the files of scopes school and key only those are read that are new or changed.

A predicate is TRUE or NULL for a good row and FALSE for a bad one. It sees the columns of one row,
``_file`` and ``_row``; lookups are uncorrelated (``x IN (SELECT …)``), so that PostgreSQL hashes
them once. The placeholders are those of :mod:`eduplan.rules_sql`.

Header labels. Several header rows are joined with ``/`` after merged cells are filled forward
(``在校生数/一年级``). Labels and headers are compared after the same normalising: NFKC, then
★ * and every blank removed.

Options of a source (``options`` of the server), by layout:

table
    ``header_rows``     rows of the (merged) header, default 1
    ``sheet``           regex of sheet names to read; default: the first sheet
    ``unit``            unit the contract's amounts are in, e.g. 万元
    ``unit_pattern``    regex with group ``unit``, searched in the cells above the header (NFKC);
                        another unit than ``unit`` is refused (LND-023)
    ``total_labels``    a row whose first filled cell ends with one of these (合计 小计 总计) is a
                        total: compared with the detail above it (LND-022), then dropped
    ``total_columns``   columns that such a row adds up; default: every number and integer column
    ``fill_merged``     true: a vertically merged cell of a data row stands in every row it covers
    ``note_prefixes``   a row whose first filled cell starts with one of these is a footnote and is
                        dropped; after it, rows with a single filled cell are footnotes too
form  (教基: one sheet = title, corner, header, ordinal row 甲 乙 1 2 …, data)
    ``family``          regex of sheet names of the whole form family. A workbook with such sheets
                        but none of this dataset is not for this dataset (skipped); one without any
                        is LND-017
    ``sheet``           regex of this dataset's sheets; group ``sheet_type`` fills that column
    ``corner``          regexes searched in the text of row 2 (its cells joined with a blank);
                        groups ``reporter_code``, ``reporter_name``, ``form_year``, ``unit``
    ``ordinal_label``   first cell of the row that ends the header, 甲
    ``note_prefixes``   as above
    Columns ``reporter_code reporter_name sheet_type form_year`` come from sheet name and corner,
    all others by their label. Cells are kept verbatim (``-``, blank, ``#女``).
crosstab
    ``header_rows``     1 or 2
    ``row_label``       {``column``: contract column, ``header``: regex of the corner cell's text,
                        which also finds the header row below a preamble}
    ``column_pattern``  regex matched on the joined header of each value column; its named groups
                        are contract columns. A value column that does not match is LND-006 unless
                        its header is empty (phantom last column)
    ``value``           contract column that receives the cell; a blank cell lands as NULL
    ``delimiter``       of a CSV, default ``,``
    ``strip``           characters removed from both ends of each cell, default blanks and tabs
    ``total_labels`` ``note_prefixes``  as above, on the row label
records  (an API or a database; a column's first alias is its name at the source, JSON paths with
          dots; without aliases the source calls it as we do)
    ``unread``          names at the source that are known and left unread on purpose
    of an API
    ``resource``        path below the connection's base URL
    ``records_path``    JSON path of the list of records, default ``data``
    ``paging``          cursor | page
    ``page_size`` ``size_param``        records a page and the parameter that asks for them
    ``cursor_path`` ``cursor_param``    where the next cursor stands, and its parameter
    ``page_param``      parameter of the page number, from 1
    ``total_path``      where a page states the number of records of the whole answer
    ``since_param`` ``until_param``     bounds of the window on the time of change
    ``count_resource``  path that states the number of live records (``count_path``)
    ``clock_resource``  path that states the server's time (``clock_path``)
    ``lag_seconds``     the window starts so much before the last one ended, default 300
    of a database
    ``table``           table or view, schema-qualified if need be
    ``snapshot_group``  datasets of one group are read in one snapshot
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from open_data_contract_standard.model import (
    CustomProperty,
    DataQuality,
    OpenDataContractStandard,
    SchemaObject,
    SchemaProperty,
    Server,
    TeamMember,
)
from pydantic import ValidationError

from eduplan.errors import ContractError

API_VERSION = "v3.1.0"
SUFFIX = ".odcs.yaml"
LAYOUTS = ("table", "form", "crosstab", "records")
SCOPES = ("period", "full", "school", "key")
SERVERS = {"local": "file", "sftp": "file", "s3": "file", "api": "api", "custom": "database"}
LOGICAL_TYPES = ("string", "integer", "number", "date", "boolean")
SEVERITIES = ("critical", "warning", "info")
DIMENSIONS = {
    # The standard has no "validity"; "conformity" is its word for it.
    "conformity": "validity",
    "completeness": "completeness",
    "accuracy": "accuracy",
    "consistency": "consistency",
    "uniqueness": "uniqueness",
    "timeliness": "timeliness",
}
PERIOD_KINDS = ("school_year", "fiscal_year", "year", "none")
FULL_PERIOD = "all"
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")

_OPTIONS: dict[str, frozenset[str]] = {
    "table": frozenset(
        {
            "header_rows",
            "sheet",
            "unit",
            "unit_pattern",
            "total_labels",
            "total_columns",
            "fill_merged",
            "note_prefixes",
        }
    ),
    "records": frozenset(
        {
            "unread",
            "resource",
            "records_path",
            "paging",
            "page_size",
            "size_param",
            "cursor_path",
            "cursor_param",
            "page_param",
            "total_path",
            "since_param",
            "until_param",
            "count_resource",
            "count_path",
            "clock_resource",
            "clock_path",
            "lag_seconds",
            "table",
            "snapshot_group",
        }
    ),
    "form": frozenset({"family", "sheet", "corner", "ordinal_label", "note_prefixes"}),
    "crosstab": frozenset(
        {
            "header_rows",
            "row_label",
            "column_pattern",
            "value",
            "delimiter",
            "strip",
            "total_labels",
            "note_prefixes",
        }
    ),
}
_REQUIRED_OPTIONS = {
    "table": (),
    "records": (),
    "form": ("family", "sheet", "corner", "ordinal_label"),
    "crosstab": ("row_label", "column_pattern", "value"),
}
# Both loaders are safe; the one in C reads all contracts in a tenth of the time.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CLASSIFICATIONS = {"personal-direct": "direct", "personal-indirect": "indirect"}


@dataclass(frozen=True)
class Column:
    """One column of a dataset; raw tables hold it as text whatever ``logical_type`` says."""

    name: str
    label: str
    aliases: tuple[str, ...]
    logical_type: str
    required: bool
    unique: bool
    key: bool
    personal: str | None
    codes: Mapping[str, str] | None
    description: str


@dataclass(frozen=True)
class Rule:
    """One rule, explicit or derived from a column. Exactly one of ``predicate``, ``query`` and
    ``unique_columns`` is set.

    ``level`` row | table; ``predicate``: FALSE accuses the row; ``query``: one row (subject,
    detail) a violation, without personal data; ``unique_columns``: all rows that share the tuple
    are accused, among those where ``where`` holds.
    """

    id: str
    level: str
    severity: str
    dimension: str
    sentence_zh: str
    sentence_en: str
    fix_zh: str
    columns: tuple[str, ...]
    predicate: str | None = None
    query: str | None = None
    unique_columns: tuple[str, ...] = ()
    where: str | None = None
    derived: bool = False

    @property
    def sql(self) -> str:
        """All SQL text of the rule, to look for placeholders."""
        return "\n".join(part for part in (self.predicate, self.query, self.where) if part)


@dataclass(frozen=True)
class Source:
    """Where deliveries lie and how they are laid out; ``options`` as in the module docstring.

    ``kind`` is file | api | database, ``server`` the type of the contract's server, ``connection``
    the id of an Airflow connection (None: the local source root).
    """

    kind: str
    path: str
    layout: str
    encoding: str | None
    options: Mapping[str, Any]
    server: str = "local"
    connection: str | None = None


@dataclass(frozen=True)
class Contract:
    """One dataset's contract. ``max_reject_rate``: rows quarantined / rows landed, 0 to 1."""

    dataset: str
    system: str
    title_zh: str
    version: str
    path: Path
    sha256: str
    prefix: str
    owner: str
    steward: str
    description: str
    source: Source
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]
    scope: str
    period_kind: str
    period_range: tuple[str, str]
    max_reject_rate: float
    depends_on: tuple[str, ...]
    pool: str
    schedule: str | None
    sla: Mapping[str, str]
    title_en: str = ""
    scope_columns: tuple[str, ...] = ()
    tombstone: str | None = None

    def column(self, name: str) -> Column:
        """The column called ``name``; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def rule(self, rule_id: str) -> Rule:
        """The rule with this id; KeyError if there is none."""
        for rule in self.rules:
            if rule.id == rule_id:
                return rule
        raise KeyError(rule_id)

    def accepts_period(self, period: str) -> bool:
        """Whether ``period`` is well formed for this contract and inside its range."""
        if self.period_kind == "none":
            return period == FULL_PERIOD
        first, last = self.period_range
        return is_period(self.period_kind, period) and first <= period <= last


def is_period(kind: str, period: str) -> bool:
    """Whether ``period`` is written as its kind demands, e.g. school_year ``2025-2026``."""
    if kind == "none":
        return period == FULL_PERIOD
    if kind == "school_year":
        match = re.fullmatch(r"(\d{4})-(\d{4})", period)
        return match is not None and int(match[2]) == int(match[1]) + 1
    return re.fullmatch(r"\d{4}", period) is not None


def period_start(kind: str, period: str) -> date:
    """First day of a period: 1 September of a school year, 1 January of a (fiscal) year.

    A period of kind ``none`` has no start; 1 January 1900 stands for it.
    """
    if kind == "none":
        return date(1900, 1, 1)
    return date(int(period[:4]), 9 if kind == "school_year" else 1, 1)


def period_of_year(kind: str, year: int) -> str:
    """The period of ``kind`` that starts in ``year``."""
    if kind == "none":
        return FULL_PERIOD
    return f"{year}-{year + 1}" if kind == "school_year" else str(year)


def load_contract(path: Path) -> Contract:
    """Read one contract.

    Raises ContractError that lists every mistake as ``file:line YAML path: what. Fix: how``.
    Mistakes between contracts (unknown datasets, shared prefixes) are found by `load_contracts`.
    """
    mistakes = _Mistakes()
    contract = _read(Path(path), mistakes)
    if contract is None or mistakes.found:
        raise mistakes.error()
    return contract


def load_contracts(directory: Path) -> dict[str, Contract]:
    """Read every ``*.odcs.yaml`` below ``directory``: dataset -> contract, sorted by dataset.

    Raises ContractError that lists every mistake of every file.
    """
    mistakes = _Mistakes()
    files = sorted(Path(directory).rglob(f"*{SUFFIX}"))
    if not files:
        raise ContractError(
            f"no contract (*.odcs.yaml) below {directory}",
            hint="check EDUPLAN_PROJECT_DIR, or copy a contract of another dataset and adapt it",
        )
    contracts = [contract for file in files if (contract := _read(file, mistakes)) is not None]
    _check_together(contracts, {file.name.removesuffix(SUFFIX) for file in files}, mistakes)
    if mistakes.found:
        raise mistakes.error()
    return {contract.dataset: contract for contract in sorted(contracts, key=lambda c: c.dataset)}


@dataclass
class _Mistakes:
    """Collects every mistake; finds the lines of the file being read once they are needed."""

    found: list[str] = field(default_factory=list)
    file: Path = Path()
    lines: dict[str, int] | None = None

    def read(self, file: Path) -> None:
        self.file, self.lines = file, None

    def add(self, where: str, what: str, fix: str, line: int | None = None) -> None:
        if self.lines is None:
            try:
                node = yaml.compose(self.file.read_bytes(), Loader=_LOADER)
                self.lines = dict(_line_index(node))
            except (OSError, UnicodeDecodeError, yaml.YAMLError):
                self.lines = {}
        probe = where
        while probe and probe not in self.lines:
            probe = re.sub(r"(\.[^.\[\]]+|\[[^\[\]]*\]|^[^.\[\]]+)$", "", probe)
        line = line or self.lines.get(probe, 1)
        self.found.append(f"{self.file}:{line} {where or '(file)'}: {what}. Fix: {fix}")

    def error(self) -> ContractError:
        count = len(self.found)
        noun = "mistake" if count == 1 else "mistakes"
        return ContractError(
            f"{count} {noun} in the data contracts:\n  " + "\n  ".join(self.found),
            hint="docs/contracts-guide.md explains every field",
        )


def _line_index(node: yaml.Node | None, path: str = "") -> Iterator[tuple[str, int]]:
    if node is None:
        return
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = f"{path}.{key.value}" if path else str(key.value)
            yield from _line_index(value, name)
            yield name, key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _line_index(value, f"{path}[{index}]")


def _parse(path: Path, mistakes: _Mistakes) -> tuple[Any, bytes] | None:
    """Return what the YAML file says and its bytes; None after noting why it cannot be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        mistakes.add("", f"cannot be read ({error.strerror})", "put a readable file in its place")
        return None
    try:
        return yaml.load(data.decode("utf-8"), Loader=_LOADER), data  # noqa: S506 a safe loader
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        mistakes.add("", "not UTF-8", "save the file as UTF-8", number)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or " ".join(str(error).split())
        # At the end of the file the parser names the line after the last one.
        line = min(mark.line + 1, len(data.splitlines()) or 1) if mark else None
        mistakes.add("", f"not YAML ({what})", "correct the syntax here or above", line)
    return None


def _read(path: Path, mistakes: _Mistakes) -> Contract | None:
    mistakes.read(path)
    parsed = _parse(path, mistakes)
    if parsed is None:
        return None
    document, data = parsed
    if not isinstance(document, dict):
        mistakes.add("", "not a mapping", "start from another contract of this folder")
        return None
    try:
        model = OpenDataContractStandard(**document)
    except ValidationError as error:
        for item in error.errors():
            where = "".join(
                f"[{part}]" if isinstance(part, int) else f".{part}" for part in item["loc"]
            ).lstrip(".")
            mistakes.add(
                where, item["msg"], "write it as the Open Data Contract Standard v3.1 does"
            )
        return None
    understood = model.model_dump(by_alias=True, exclude_unset=True)
    _unknown_keys(document, understood, "", mistakes)
    lists, lists_bytes = _code_lists(path)
    digest = hashlib.sha256(data)
    if lists_bytes:
        digest.update(lists_bytes)
    return _Reader(model, path, digest.hexdigest(), lists, mistakes).contract()


def _unknown_keys(document: Any, understood: Any, path: str, mistakes: _Mistakes) -> None:
    """The standard's models drop keys that they do not know, so a typing error would be silent."""
    if isinstance(document, dict) and isinstance(understood, dict):
        for key, value in document.items():
            where = f"{path}.{key}" if path else str(key)
            if key in understood:
                _unknown_keys(value, understood[key], where, mistakes)
            else:
                mistakes.add(where, f"unknown key {key!r}", "correct the spelling, or quote commas")
    elif isinstance(document, list) and isinstance(understood, list):
        for index, (value, known) in enumerate(zip(document, understood, strict=True)):
            _unknown_keys(value, known, f"{path}[{index}]", mistakes)


def _code_lists(path: Path) -> tuple[dict[str, dict[str, str]], bytes]:
    """The shared code lists of the nearest ``code_lists.yaml`` at or above the contract.

    Raises ContractError when that file cannot be understood.
    """
    for folder in path.resolve().parents[:3]:
        file = folder / "code_lists.yaml"
        if file.is_file():
            mistakes = _Mistakes(file=file)
            parsed = _parse(file, mistakes)
            if parsed is None:
                raise mistakes.error()
            document, data = parsed
            if not isinstance(document, dict):
                mistakes.add("", "not a mapping", "write lists as `name: {code: meaning}`")
                raise mistakes.error()
            for name, values in document.items():
                if not isinstance(values, dict):
                    mistakes.add(str(name), "not a code list", "write `{code: meaning}` pairs")
            if mistakes.found:
                raise mistakes.error()
            return {
                name: {str(k): str(v) for k, v in values.items()}
                for name, values in document.items()
            }, data
    return {}, b""


def _custom(properties: list[CustomProperty] | None) -> dict[str, Any]:
    return {p.property: p.value for p in properties or [] if p.property}


class _Reader:
    """Turns one parsed document into a Contract and notes what is wrong on the way."""

    def __init__(
        self,
        model: OpenDataContractStandard,
        path: Path,
        sha256: str,
        lists: dict[str, dict[str, str]],
        mistakes: _Mistakes,
    ) -> None:
        self.model, self.path, self.sha256 = model, path, sha256
        self.lists, self.mistakes = lists, mistakes
        self.custom = _custom(model.customProperties)

    def contract(self) -> Contract | None:
        model, bad = self.model, self.mistakes
        before = len(bad.found)
        if model.apiVersion != API_VERSION:
            bad.add(
                "apiVersion",
                f"is {model.apiVersion!r}",
                f"write apiVersion: {API_VERSION}",
            )
        if model.kind != "DataContract":
            bad.add("kind", f"is {model.kind!r}", "write kind: DataContract")
        if not model.schema_ or len(model.schema_) != 1:
            bad.add("schema", "needs exactly one dataset", "one file describes one dataset")
            return None
        schema = model.schema_[0]
        dataset = schema.name or ""
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", dataset):
            bad.add(
                "schema[0].name",
                f"{dataset!r} cannot name a table",
                "use lower-case English snake_case, at most 41 characters",
            )
        if self.path.name != f"{dataset}.odcs.yaml":
            bad.add(
                "schema[0].name",
                f"dataset {dataset!r} stands in {self.path.name}",
                f"name the file {dataset}.odcs.yaml",
            )
        prefix = str(self.custom.get("prefix") or "")
        if not re.fullmatch(r"[A-Z][A-Z0-9]{1,7}", prefix):
            bad.add(
                "customProperties",
                f"prefix {prefix!r} is missing or malformed",
                "add {property: prefix, value: STU}: 2 to 8 capitals and digits, unique",
            )
        columns = self._columns(schema)
        kind, period_range = self._period()
        scope, scope_columns, tombstone = self._scope(kind, columns)
        rate = self.custom.get("maxRejectRate")
        if not isinstance(rate, int | float) or isinstance(rate, bool) or not 0 <= rate <= 1:
            bad.add(
                "customProperties",
                f"maxRejectRate {rate!r} is not a number from 0 to 1",
                "add {property: maxRejectRate, value: 0.05}",
            )
            rate = 0.0
        depends = self.custom.get("dependsOn") or []
        if not isinstance(depends, list) or not all(isinstance(d, str) for d in depends):
            bad.add("customProperties", "dependsOn is not a list", "write value: [school_register]")
            depends = []
        pool = str(self.custom.get("pool") or "")
        if not re.fullmatch(r"[a-z][a-z0-9_]*", pool):
            bad.add(
                "customProperties",
                f"pool {pool!r} is missing or malformed",
                "add {property: pool, value: src_student_records}",
            )
        owner, steward = self._team()
        sla, schedule = self._sla()
        source = self._source(columns)
        rules = _derived_rules(prefix, columns) + self._rules(schema, prefix, columns)
        seen: dict[str, int] = {}
        for rule in rules:
            seen[rule.id] = seen.get(rule.id, 0) + 1
        for rule_id in (rule_id for rule_id, count in seen.items() if count > 1):
            bad.add("schema[0].quality", f"rule id {rule_id} is used twice", "give a new number")
        for name in ("version", "name", "domain"):
            if not getattr(model, name):
                bad.add(name, "is missing", f"add {name}: …")
        if len(bad.found) > before or source is None:
            return None
        description = model.description.purpose if model.description else None
        return Contract(
            dataset=dataset,
            system=model.domain or "",
            title_zh=schema.businessName or model.name or "",
            title_en=schema.description or "",
            version=model.version or "",
            path=self.path,
            sha256=self.sha256,
            prefix=prefix,
            owner=owner,
            steward=steward,
            # A line break between Chinese characters is no blank.
            description=re.sub(
                r"(?<=[\u3000-\uffef]) (?=[\u3000-\uffef])",
                "",
                " ".join((description or "").split()),
            ),
            source=source,
            columns=columns,
            rules=rules,
            scope=scope,
            scope_columns=scope_columns,
            tombstone=tombstone,
            period_kind=kind,
            period_range=period_range,
            max_reject_rate=float(rate),
            depends_on=tuple(depends),
            pool=pool,
            schedule=schedule,
            sla=sla,
        )

    def _columns(self, schema: SchemaObject) -> tuple[Column, ...]:
        columns: list[Column] = []
        names: set[str] = set()
        headers: dict[str, str] = {}
        if not schema.properties:
            self.mistakes.add("schema[0].properties", "no columns", "describe the columns")
        for index, prop in enumerate(schema.properties or []):
            column = self._column(prop, f"schema[0].properties[{index}]")
            if column.name in names:
                self.mistakes.add(
                    f"schema[0].properties[{index}].name",
                    f"column {column.name} is described twice",
                    "keep one",
                )
            names.add(column.name)
            for header in (column.label, *column.aliases):
                if header in headers:
                    self.mistakes.add(
                        f"schema[0].properties[{index}]",
                        f"header 「{header}」 belongs to {headers[header]} and {column.name}",
                        "a header or alias may lead to one column only",
                    )
                headers[header] = column.name
            columns.append(column)
        return tuple(columns)

    def _column(self, prop: SchemaProperty, where: str) -> Column:
        bad = self.mistakes
        custom = _custom(prop.customProperties)
        name = prop.name or ""
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,58}", name):
            bad.add(f"{where}.name", f"{name!r} cannot name a column", "use English snake_case")
        if not prop.businessName:
            bad.add(where, f"column {name} has no businessName", "add the header label")
        if prop.logicalType not in LOGICAL_TYPES:
            bad.add(
                f"{where}.logicalType",
                f"{prop.logicalType!r} is not a logical type here",
                f"use one of {', '.join(LOGICAL_TYPES)}",
            )
        if prop.classification and prop.classification not in _CLASSIFICATIONS:
            bad.add(
                f"{where}.classification",
                f"{prop.classification!r} is unknown",
                f"use one of {', '.join(_CLASSIFICATIONS)} or leave it out",
            )
        codes: Mapping[str, str] | None = None
        value = custom.get("codes")
        if isinstance(value, str):
            if value in self.lists:
                codes = MappingProxyType(self.lists[value])
            else:
                bad.add(
                    f"{where}.customProperties",
                    f"code list {value!r} is not in code_lists.yaml",
                    "add the list there or write the codes here",
                )
        elif isinstance(value, dict) and value:
            codes = MappingProxyType({str(k): str(v) for k, v in value.items()})
        elif value is not None:
            bad.add(
                f"{where}.customProperties",
                "codes is neither a list's name nor a mapping value -> meaning",
                "write value: {男: 男性, 女: 女性}",
            )
        aliases = custom.get("aliases") or []
        if not isinstance(aliases, list):
            bad.add(f"{where}.customProperties", "aliases is not a list", "write value: [xm]")
            aliases = []
        return Column(
            name=name,
            label=prop.businessName or "",
            aliases=tuple(str(alias) for alias in aliases),
            logical_type=prop.logicalType or "string",
            required=bool(prop.required),
            unique=bool(prop.unique),
            key=bool(prop.primaryKey),
            personal=_CLASSIFICATIONS.get(prop.classification or ""),
            codes=codes,
            description=" ".join((prop.description or "").split()),
        )

    def _period(self) -> tuple[str, tuple[str, str]]:
        value = self.custom.get("period")
        example = "add {property: period, value: {kind: school_year, first: 2023-2024, last: …}}"
        if not isinstance(value, dict) or value.get("kind") not in PERIOD_KINDS:
            self.mistakes.add(
                "customProperties", f"period {value!r} is missing or has no known kind", example
            )
            return "none", (FULL_PERIOD, FULL_PERIOD)
        kind = str(value["kind"])
        if kind == "none":
            return kind, (FULL_PERIOD, FULL_PERIOD)
        first, last = str(value.get("first") or ""), str(value.get("last") or "")
        if not is_period(kind, first) or not is_period(kind, last) or first > last:
            self.mistakes.add(
                "customProperties",
                f"period range {first!r} to {last!r} is no range of kind {kind}",
                "write first and last as 2023-2024 (school_year) or '2023', first not after last",
            )
        return kind, (first, last)

    def _scope(
        self, kind: str, columns: tuple[Column, ...]
    ) -> tuple[str, tuple[str, ...], str | None]:
        """What a delivery replaces: the scope, the columns that tell it, the tombstone column."""
        bad, where = self.mistakes, "customProperties"
        scope = str(self.custom.get("scope") or "")
        if scope not in SCOPES:
            bad.add(
                where,
                f"scope {scope!r} is missing or unknown",
                f"add {{property: scope, value: period}} (one of {', '.join(SCOPES)})",
            )
        elif (scope in ("full", "key")) != (kind == "none"):
            bad.add(
                where,
                f"scope {scope!r} does not go with period kind {kind!r}",
                "scopes full and key have period {kind: none}; period and school a kind with years",
            )
        names = {column.name for column in columns}
        key = tuple(column.name for column in columns if column.key)
        school = self.custom.get("scopeColumn")
        tombstone = self.custom.get("tombstone")
        if scope == "key" and not key:
            bad.add(where, "scope key needs a primary key", "mark its columns primaryKey: true")
        if (scope == "school") != (school is not None):
            bad.add(
                where,
                "scopeColumn and scope school belong together",
                "add {property: scopeColumn, value: school_code}, or leave it out",
            )
        if tombstone is not None and scope != "key":
            bad.add(where, f"tombstone {tombstone!r} without scope key", "leave it out")
        for name in (school, tombstone):
            if name is not None and name not in names:
                bad.add(where, f"{name!r} is no column", "name a column of this contract")
        chosen = {"key": key, "school": (str(school),)}.get(scope, ())
        return scope, chosen, str(tombstone) if tombstone is not None else None

    def _team(self) -> tuple[str, str]:
        team = self.model.team
        members: list[TeamMember] = []
        owner = ""
        if team is not None and not isinstance(team, list):
            owner, members = team.name or "", team.members or []
        steward = next((m.name or m.username or "" for m in members if m.role == "steward"), "")
        if not owner or not steward:
            self.mistakes.add(
                "team",
                "owner (team.name) or the member with role: steward is missing",
                "say who owns the data and who gets the defect report",
            )
        return owner, steward

    def _sla(self) -> tuple[Mapping[str, str], str | None]:
        items = self.model.slaProperties or []
        sla = {i.property: f"{i.value}{i.unit or ''}" for i in items if i.property}
        schedule = next((i.schedule for i in items if i.schedule), None)
        if "deadline" not in sla:
            self.mistakes.add(
                "slaProperties",
                "no deadline",
                "add {property: deadline, value: '09-20', description: …}",
            )
        day = r"(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
        for name, form, fix in (
            (
                "deadline",
                rf"{day}|(0[1-9]|[12]\d|3[01])",
                "'09-20', or '05' for the 5th of a month",
            ),
            ("window", rf"{day}/{day}", "'09-01/09-30'"),
        ):
            if name in sla and not re.fullmatch(form, sla[name]):
                self.mistakes.add(
                    "slaProperties", f"{name} {sla[name]!r} is no day of a year", f"write {fix}"
                )
        if schedule and not re.fullmatch(r"\S+( \S+){4}", schedule):
            self.mistakes.add("slaProperties", f"{schedule!r} is not cron", "write five fields")
        return MappingProxyType(sla), schedule

    def _source(self, columns: tuple[Column, ...]) -> Source | None:
        servers: list[Server] = self.model.servers or []
        bad = self.mistakes
        if len(servers) != 1:
            bad.add("servers", f"{len(servers)} servers", "name exactly one")
            return None
        server = servers[0]
        custom = _custom(server.customProperties)
        layout = str(custom.get("layout") or "")
        options = custom.get("options") or {}
        kind = SERVERS.get(server.type or "", "")
        connection = custom.get("connection")
        if not kind:
            bad.add(
                "servers[0].type",
                f"{server.type!r} is not supported",
                f"use one of {', '.join(SERVERS)}",
            )
        if (server.type == "local") != (connection is None):
            bad.add(
                "servers[0].customProperties",
                f"type {server.type} and connection {connection!r} do not fit",
                "all servers but local name the Airflow connection that has their address",
            )
        if kind == "file" and not server.path:
            bad.add("servers[0].path", "is missing", "give the glob under the source root")
        if kind != "file" and server.path:
            bad.add("servers[0].path", "is for files only", "leave it out")
        if (layout == "records") != (kind in ("api", "database")):
            bad.add(
                "servers[0].customProperties",
                f"layout {layout!r} does not go with type {server.type!r}",
                "APIs and databases have layout records, files another one",
            )
        if kind == "api" and not {"resource", "paging"} <= set(options):
            bad.add("servers[0].customProperties", "an API needs resource and paging", "add them")
        if kind == "database" and "table" not in options:
            bad.add("servers[0].customProperties", "a database needs the option table", "add it")
        if layout not in LAYOUTS:
            bad.add(
                "servers[0].customProperties",
                f"layout {layout!r} is missing or unknown",
                f"use one of {', '.join(LAYOUTS)}",
            )
            return None
        if not isinstance(options, dict):
            bad.add("servers[0].customProperties", "options is not a mapping", "write key: value")
            return None
        where = "servers[0].customProperties"
        for name in sorted(set(options) - _OPTIONS[layout]):
            known = ", ".join(sorted(_OPTIONS[layout]))
            bad.add(where, f"option {name!r} is unknown for layout {layout}", f"use one of {known}")
        for name in _REQUIRED_OPTIONS[layout]:
            if name not in options:
                bad.add(where, f"layout {layout} needs the option {name!r}", "add it to options")
        for name, pattern in _patterns(options):
            try:
                re.compile(pattern)
            except re.error as error:
                bad.add(where, f"option {name}: {error}", "correct the regular expression")
        if not isinstance(options.get("unread", []), list):
            bad.add(where, "option unread is not a list", "write unread: [name, name]")
        if layout == "crosstab":
            self._check_crosstab(options, columns, where)
        period_in_path = "{period}" in (server.path or "")
        periodic = (self.custom.get("period") or {}) != {"kind": "none"}
        if server.path and period_in_path != periodic:
            bad.add(
                "servers[0].path",
                "the path and the period kind do not fit",
                "a periodic dataset has {period} in its path, one without periods has not",
            )
        return Source(
            kind=kind or "file",
            server=server.type or "local",
            connection=str(connection) if connection is not None else None,
            path=server.path or "",
            layout=layout,
            encoding=custom.get("encoding"),
            options=MappingProxyType(options),
        )

    def _check_crosstab(
        self, options: Mapping[str, Any], columns: tuple[Column, ...], where: str
    ) -> None:
        names = {column.name for column in columns}
        row_label = options.get("row_label")
        targets = [
            options.get("value"),
            row_label.get("column") if isinstance(row_label, dict) else "",
        ]
        try:
            targets += re.compile(str(options.get("column_pattern", ""))).groupindex
        except re.error:
            return
        for target in targets:
            if target not in names:
                self.mistakes.add(
                    where,
                    f"the crosstab fills {target!r}, which is no column",
                    "row_label.column, value and the groups of column_pattern name columns",
                )

    def _rules(
        self, schema: SchemaObject, prefix: str, columns: tuple[Column, ...]
    ) -> tuple[Rule, ...]:
        names = {column.name for column in columns}
        rules = []
        for index, item in enumerate(schema.quality or []):
            rule = self._rule(item, f"schema[0].quality[{index}]", prefix, names)
            if rule is not None:
                rules.append(rule)
        return tuple(rules)

    def _rule(self, item: DataQuality, where: str, prefix: str, names: set[str]) -> Rule | None:
        bad = self.mistakes
        before = len(bad.found)
        custom = _custom(item.customProperties)
        rule_id = item.id or ""
        if not re.fullmatch(re.escape(prefix) + r"-\d{3}", rule_id):
            bad.add(f"{where}.id", f"{rule_id!r} is no rule id", f"write {prefix or 'PREFIX'}-001")
        if item.severity not in SEVERITIES:
            bad.add(
                f"{where}.severity",
                f"{item.severity!r} is unknown",
                f"use one of {', '.join(SEVERITIES)}",
            )
        if item.dimension not in DIMENSIONS:
            bad.add(
                f"{where}.dimension",
                f"{item.dimension!r} is unknown",
                f"use one of {', '.join(DIMENSIONS)}",
            )
        texts = {
            "description": item.description,
            "sentenceEn": custom.get("sentenceEn"),
            "fix": custom.get("fix"),
        }
        for name, text in texts.items():
            if not text:
                bad.add(where, f"{rule_id} has no {name}", "a clerk must understand the rule")
        used = custom.get("columns") or []
        predicate = query = where_sql = None
        unique: tuple[str, ...] = ()
        if item.type == "sql":
            query = item.query
            if not query or item.mustBe != 0:
                bad.add(where, f"{rule_id} needs query and mustBe: 0", "see another table rule")
        elif item.type == "custom" and item.engine == "greatExpectations":
            body = item.implementation if isinstance(item.implementation, dict) else {}
            predicate, where_sql = body.get("predicate"), body.get("where")
            unique = tuple(body.get("uniqueColumns") or ())
            if bool(predicate) == bool(unique) or set(body) - {
                "predicate",
                "uniqueColumns",
                "where",
            }:
                bad.add(
                    f"{where}.implementation",
                    f"{rule_id} needs either predicate or uniqueColumns (with where)",
                    "write implementation: {predicate: SQL that is true for a good row}",
                )
            used = used or list(unique)
        else:
            bad.add(
                f"{where}.type",
                f"{rule_id} is neither a row rule nor a table rule",
                "write type: custom, engine: greatExpectations; or type: sql",
            )
        if item.type == "custom" and not used:
            bad.add(where, f"{rule_id} names no columns", "add {property: columns, value: […]}")
        for name in (*used, *unique):
            if name not in names:
                bad.add(where, f"{rule_id} names the unknown column {name!r}", "correct the name")
        rule = Rule(
            id=rule_id,
            level="table" if item.type == "sql" else "row",
            severity=item.severity or "",
            dimension=DIMENSIONS.get(item.dimension or "", ""),
            sentence_zh=" ".join((item.description or "").split()),
            sentence_en=" ".join(str(custom.get("sentenceEn") or "").split()),
            fix_zh=" ".join(str(custom.get("fix") or "").split()),
            columns=tuple(used),
            predicate=predicate,
            query=query,
            unique_columns=unique,
            where=where_sql,
        )
        for name in PLACEHOLDER.findall(rule.sql):
            if not re.fullmatch(
                r"batch|after|period|period_start|(published|previous|reference):[a-z][a-z0-9_]*",
                name,
            ):
                bad.add(
                    where,
                    f"{rule_id} uses the unknown placeholder {{{name}}}",
                    "use {batch} {after} {period} {period_start} {published:DATASET}"
                    " {previous:DATASET} {reference:NAME}; braces have no other use in a rule",
                )
        return rule if len(bad.found) == before else None


def _patterns(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("sheet", "family", "unit_pattern", "column_pattern"):
        if options.get(name):
            yield name, str(options[name])
    for pattern in options.get("corner") or []:
        yield "corner", str(pattern)
    row_label = options.get("row_label")
    if isinstance(row_label, dict) and row_label.get("header"):
        yield "row_label.header", str(row_label["header"])


_TYPE_RULES = {
    "integer": ("edu.is_integer", "整数", "a whole number"),
    "number": ("edu.is_number", "数字", "a number"),
    "date": ("edu.is_date", "日期(如 20150901)", "a date such as 20150901"),
}


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_derived = partial(Rule, level="row", severity="critical", derived=True)


def _derived_rules(prefix: str, columns: tuple[Column, ...]) -> tuple[Rule, ...]:
    """REQ, COD, TYP, UNQ rules of each column and the KEY rule of the dataset, all critical."""
    rules: list[Rule] = []
    for column in columns:
        name, label = column.name, column.label
        if column.required:
            rules.append(
                _derived(
                    id=f"{prefix}-REQ-{name}",
                    dimension="completeness",
                    sentence_zh=f"「{label}」必填，不能为空。",
                    sentence_en=f"{name} is required and must not be blank.",
                    fix_zh=f"请在源系统中补填「{label}」，重新导出后再报送。",
                    columns=(name,),
                    predicate=f"edu.is_filled({name})",
                )
            )
        if column.codes:
            values = ", ".join(_quote(code) for code in column.codes)
            shown = "、".join(list(column.codes)[:8]) + ("等" if len(column.codes) > 8 else "")
            rules.append(
                _derived(
                    id=f"{prefix}-COD-{name}",
                    dimension="validity",
                    sentence_zh=f"「{label}」只能填写规定的值：{shown}。",
                    sentence_en=f"{name} must be one of the values of its code list.",
                    fix_zh=f"请按代码表改正「{label}」，不要使用自拟名称或其他编码。",
                    columns=(name,),
                    # The raw value first: cleaning is only paid for by the rare odd one.
                    predicate=f"{name} IN ({values}) OR edu.clean({name}) IN ({values})",
                )
            )
        if column.logical_type in _TYPE_RULES:
            function, zh, en = _TYPE_RULES[column.logical_type]
            rules.append(
                _derived(
                    id=f"{prefix}-TYP-{name}",
                    dimension="validity",
                    sentence_zh=f"「{label}」应为{zh};没有数据时留空或填“-”。",
                    sentence_en=f"{name} must be {en}, blank or '-'.",
                    fix_zh=f"请把「{label}」改为{zh},去掉文字、单位和符号。",
                    columns=(name,),
                    predicate=f"{function}({name})",
                )
            )
        if column.unique:
            rules.append(_unique_rule(f"{prefix}-UNQ-{name}", (column,)))
    key = tuple(column for column in columns if column.key)
    if key:
        rules.append(_unique_rule(f"{prefix}-KEY", key))
    return tuple(rules)


def _unique_rule(rule_id: str, columns: tuple[Column, ...]) -> Rule:
    labels = "」+「".join(column.label for column in columns)
    names = tuple(column.name for column in columns)
    return _derived(
        id=rule_id,
        dimension="uniqueness",
        sentence_zh=f"「{labels}」在同一批数据中不能重复。",
        sentence_en=f"({', '.join(names)}) must be unique within a delivery.",
        fix_zh="请核对重复的记录，只保留正确的一条后重新报送。",
        columns=names,
        unique_columns=names,
        # A blank key is the REQ rule's matter, not a duplicate of another blank.
        where=" AND ".join(f"edu.is_filled({name})" for name in names),
    )


def _check_together(contracts: list[Contract], names: set[str], mistakes: _Mistakes) -> None:
    """Mistakes that only show between contracts; ``names`` has those that could not be read too."""
    datasets: dict[str, Contract] = {}
    prefixes: dict[str, Contract] = {}
    for contract in contracts:
        mistakes.read(contract.path)
        if contract.dataset in datasets:
            other = datasets[contract.dataset].path
            mistakes.add("schema[0].name", f"{contract.dataset} is also in {other}", "rename one")
        if contract.prefix in prefixes:
            other = prefixes[contract.prefix].path
            mistakes.add(
                "customProperties", f"prefix {contract.prefix} is also in {other}", "choose another"
            )
        datasets[contract.dataset] = contract
        prefixes[contract.prefix] = contract
    for contract in contracts:
        mistakes.read(contract.path)
        for name in contract.depends_on:
            if name not in names:
                mistakes.add("customProperties", f"dependsOn: no contract {name!r}", "correct it")
        for rule in contract.rules:
            for placeholder in PLACEHOLDER.findall(rule.sql):
                verb, _, name = placeholder.partition(":")
                if verb not in ("published", "previous"):
                    continue
                if name not in names:
                    mistakes.add(
                        "schema[0].quality", f"{rule.id}: no contract {name!r}", "correct the name"
                    )
                elif verb == "published" and name not in contract.depends_on:
                    mistakes.add(
                        "customProperties",
                        f"{rule.id} reads published {name}, which dependsOn does not list",
                        f"add {name} to dependsOn, so that it is published first",
                    )
    _check_cycles(datasets, mistakes)


def _check_cycles(datasets: Mapping[str, Contract], mistakes: _Mistakes) -> None:
    """A dataset must not wait for itself: peel off what depends on nothing left."""
    waiting = {
        name: {d for d in contract.depends_on if d in datasets}
        for name, contract in datasets.items()
    }
    while ready := [name for name, needs in waiting.items() if not needs]:
        for name in ready:
            del waiting[name]
        for needs in waiting.values():
            needs.difference_update(ready)
    if waiting:
        first = datasets[min(waiting)]
        mistakes.read(first.path)
        mistakes.add(
            "customProperties",
            f"dependsOn runs in a circle through {', '.join(sorted(waiting))}",
            "let one of them not depend on another",
        )
