"""Follows columns through the SQL of the models, back to the columns of the contracts.

A query is read as the kinds of rows it returns. Measures stand in rows: their code is a literal
(``values ('pupils', form.pupils), …``), so rows with different literals are different kinds, and a
condition on a literal keeps or drops a kind. Of each column of a kind two things are known: the
values it may have, where that is known at all, and its origins.

What the SQL says is followed, not what data would: an origin may take part and change nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from sqlglot import exp

from eduplan.errors import EduplanError
from eduplan.lineage.project import REF, Project

ROLES = ("value", "filter", "key")
"""What a source column does: it is in the number, it decides whether a row counts, or it says whose
row it is (joins, and the reporter, stage and period of a measure). The strongest comes first."""
ALL = "*"
"""As a column: the rows themselves are counted."""
_SPLIT = {"stage", "measure_code"}
_PROVENANCE = ("period", "batch_id")


@dataclass(frozen=True)
class Origin:
    """A source column and what it does; ``where``: conditions under which its rows are taken."""

    dataset: str
    column: str
    staging: str = ""
    """``model.column`` of staging; empty for a seed or a table of the pipeline."""
    role: str = "value"
    where: frozenset[str] = frozenset()


Origins = frozenset[Origin]
NOTHING: Origins = frozenset()


@dataclass(frozen=True)
class Value:
    """One column of a kind of rows; ``known``: all values it may have (empty: null), None: any."""

    origins: Origins = NOTHING
    known: frozenset[str] | None = None


Columns = dict[str, Value]


@dataclass(frozen=True)
class Kind:
    """One kind of rows of a relation.

    ``origins``: what decides that there is such a row; ``counted``: what counting them counts.
    """

    columns: Columns
    origins: Origins = NOTHING
    counted: Origins = NOTHING


class Open(Columns):
    """Columns of a table that no contract describes: any name is one of them."""

    def __init__(self, dataset: str) -> None:
        super().__init__()
        self.dataset = dataset

    def __missing__(self, name: str) -> Value:
        return Value(frozenset({Origin(self.dataset, name)}))

    def __contains__(self, name: object) -> bool:
        return True

    def copy(self) -> Open:
        """Return the same columns, known ones and others."""
        made = Open(self.dataset)
        made.update(self)
        return made


@dataclass
class _Frame:
    """The row a query looks at: its tables by alias, and the rows around it."""

    tables: dict[str, Columns] = field(default_factory=dict)
    origins: Origins = NOTHING
    counted: Origins = NOTHING
    limits: dict[str, frozenset[str]] = field(default_factory=dict)
    """Conditions by dataset."""
    outer: _Frame | None = None
    shared: set[str] = field(default_factory=set)
    """Columns that USING made one of two."""

    def find(self, name: str, table: str) -> Value | None:
        if table:
            if table in self.tables:
                return self.tables[table][name] if name in self.tables[table] else None
        else:
            for open_ones in (False, True):
                for columns in self.tables.values():
                    if isinstance(columns, Open) == open_ones and name in columns:
                        return columns[name]
        return self.outer.find(name, table) if self.outer else None

    def copy(self) -> _Frame:
        return replace(
            self,
            tables={alias: _copied(columns) for alias, columns in self.tables.items()},
            limits=dict(self.limits),
            shared=set(self.shared),
        )


def _copied(columns: Columns) -> Columns:
    return columns.copy() if isinstance(columns, Open) else dict(columns)


def as_role(origins: Iterable[Origin], role: str) -> Origins:
    """Return ``origins`` in a role that is at most as strong as ``role``."""
    rank = ROLES.index(role)
    return frozenset(
        replace(o, role=ROLES[max(rank, ROLES.index(o.role))], where=frozenset())
        for o in origins
        if o.column != ALL
    )


def _union(parts: Iterable[Origins]) -> Origins:
    return frozenset(itertools.chain.from_iterable(parts))


def _limited(origins: Origins, limits: Mapping[str, frozenset[str]]) -> Origins:
    if not limits:
        return origins
    return frozenset(
        replace(o, where=o.where | limits[o.dataset])
        if o.role == "value" and o.dataset in limits
        else o
        for o in origins
    )


def _merged(kinds: Iterable[Kind]) -> list[Kind]:
    """Put kinds together that differ in nothing known."""
    found: dict[tuple[tuple[str, frozenset[str] | None], ...], Kind] = {}
    for kind in kinds:
        key = tuple((name, value.known) for name, value in kind.columns.items())
        before = found.get(key)
        if before is None:
            found[key] = kind
            continue
        columns = _copied(before.columns)
        for name, value in before.columns.items():
            columns[name] = Value(value.origins | kind.columns[name].origins, value.known)
        found[key] = Kind(
            columns,
            before.origins | kind.origins,
            before.counted | kind.counted,
        )
    return list(found.values())


class Tracer:
    """Reads the models of a project, each once."""

    literals = True
    """False: rows are not told apart by literals; faster, where only columns are asked for."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.relation = cache(self._relation)

    def _relation(self, name: str) -> tuple[Kind, ...]:
        """Return the kinds of rows of a model, a seed or a source."""
        schema, _, table = name.rpartition(".")
        if schema == "raw":
            return (self._published(table),)
        if name in self.project.seeds:
            columns = {
                c: Value(frozenset({Origin(name, c)})) for c in self.project.seed_columns(name)
            }
            return (Kind(columns, counted=frozenset({Origin(name, ALL)})),)
        if name not in self.project.models:  # a table of the pipeline, or a snapshot
            return (Kind(Open(name), counted=frozenset({Origin(name, ALL)})),)
        kinds = self.read(name)
        return tuple(_staged(kind, name) if name.startswith("stg_") else kind for kind in kinds)

    def read(self, model: str) -> list[Kind]:
        """Return the kinds of rows of a model."""
        return _Query(self, {}).kinds(self.project.query(model), None)

    def _published(self, dataset: str) -> Kind:
        columns: Columns = {
            c.name: Value(frozenset({Origin(dataset, c.name)}))
            for c in self.project.contracts[dataset].columns
        }
        columns.update((name, Value()) for name in _PROVENANCE)
        return Kind(columns, counted=frozenset({Origin(dataset, ALL)}))


def _staged(kind: Kind, model: str) -> Kind:
    """Note where in staging each origin came through."""

    def through(origins: Origins, place: str) -> Origins:
        return frozenset(o if o.staging else replace(o, staging=place) for o in origins)

    return Kind(
        {n: Value(through(v.origins, f"{model}.{n}"), v.known) for n, v in kind.columns.items()},
        through(kind.origins, model),
        through(kind.counted, model),
    )


class _Query:
    """One statement with the common table expressions it sees."""

    def __init__(self, tracer: Tracer, named: Mapping[str, list[Kind]]) -> None:
        self.tracer = tracer
        self.named = dict(named)

    # --- relations -------------------------------------------------------------------------------

    def kinds(self, query: exp.Expr, outer: _Frame | None) -> list[Kind]:
        """Return the kinds of rows of a query."""
        inner = _Query(self.tracer, self.named)
        with_ = query.args.get("with_") or query.args.get("with")
        for cte in with_.expressions if with_ else ():
            inner.named[cte.alias] = inner._expression_table(
                cte, bool(with_ and with_.args.get("recursive")), outer
            )
        if isinstance(query, exp.SetOperation):
            left, right = inner.kinds(query.left, outer), inner.kinds(query.right, outer)
            names = list(left[0].columns) if left else query.left.named_selects
            return _merged([*left, *(_renamed(kind, names) for kind in right)])
        if isinstance(query, exp.Subquery):
            return inner.kinds(query.this, outer)
        if isinstance(query, exp.Values):
            return inner._values(query, outer)
        return inner._select(query, outer)

    def _expression_table(self, cte: exp.Expr, recursive: bool, outer: _Frame | None) -> list[Kind]:
        names = [c.name for c in cte.args["alias"].args.get("columns") or ()]
        body = cte.this
        if recursive and isinstance(body, exp.SetOperation) and _mentions(body.right, cte.alias):
            # Its first rows stand for those that follow: they come from the same columns.
            self.named[cte.alias] = self.kinds(body.left, outer)
        found = self.kinds(body, outer)
        return [_renamed(kind, names) for kind in found] if names else found

    def _values(self, values: exp.Expr, outer: _Frame | None) -> list[Kind]:
        frame = _Frame(outer=outer)
        names = _column_names(values)
        out = []
        for row in values.expressions:
            cells = row.expressions if isinstance(row, exp.Tuple) else [row]
            found = [self._value(cell, frame) for cell in cells]
            default = [f"column{number}" for number in range(1, len(found) + 1)]
            out.append(Kind(dict(zip(names or default, found, strict=True))))
        return self._told_apart(out)

    def _table(self, item: exp.Expr, frame: _Frame | None) -> tuple[str, list[Kind]]:
        """Return alias and kinds of an item of FROM; a lateral one sees ``frame``."""
        alias, columns = item.alias_or_name, _column_names(item)
        body = item.this if isinstance(item, exp.Lateral) else item
        if isinstance(item, exp.Table) and isinstance(item.this, exp.Identifier):
            name = f"{item.db}.{item.name}" if item.db not in ("", REF) else item.name
            local = not item.db and name in self.named
            kinds = self.named[name] if local else list(self.tracer.relation(name))
        elif isinstance(body, exp.Subquery | exp.Values):
            alias, columns = alias or body.alias, columns or _column_names(body)
            kinds = self.kinds(body, frame)
        else:
            if isinstance(body, exp.Unnest) and isinstance(body.args.get("offset"), exp.Identifier):
                columns.append(body.args["offset"].name)
            return alias, [self._function(body, columns or [alias], frame)]
        return alias, [_renamed(kind, columns) for kind in kinds]

    def _function(self, call: exp.Expr, names: list[str], frame: _Frame | None) -> Kind:
        """Return the rows of a function such as unnest: they come from its arguments."""
        found = self._value(call, frame or _Frame())
        return Kind({name: Value(found.origins) for name in names}, counted=found.origins)

    # --- select ----------------------------------------------------------------------------------

    def _frames(self, select: exp.Expr, outer: _Frame | None) -> Iterator[_Frame]:
        """Yield every kind of row that FROM, JOIN and WHERE let through."""
        from_ = select.args.get("from_") or select.args.get("from")
        frames = [_Frame(outer=outer)]
        if from_:
            alias, kinds = self._table(from_.this, outer)
            frames = [
                _Frame({alias: _copied(k.columns)}, k.origins, k.counted, outer=outer)
                for k in kinds
            ]
        for join in select.args.get("joins") or ():
            frames = [joined for frame in frames for joined in self._join(frame, join)]
        where = select.args.get("where")
        for frame in frames:
            if where is None or self._keep(where.this, frame):
                yield frame

    def _join(self, frame: _Frame, join: exp.Expr) -> list[_Frame]:
        """Return every kind of row that a join makes of ``frame``."""
        alias, kinds = self._table(join.this, frame)
        using = [column.name for column in join.args.get("using") or ()]
        on, side = join.args.get("on"), (join.args.get("side") or "").upper()
        out = []
        for kind in kinds:
            made = frame.copy()
            made.tables[alias] = _copied(kind.columns)
            made.shared |= set(using)
            made.counted = made.counted or kind.counted
            keys: Origins = NOTHING
            matches = on is None or self._truth(on, made) is not False
            for name in using:
                left, right = frame.find(name, ""), made.tables[alias][name]
                if left is None:
                    raise EduplanError(f"lineage: USING names {name}, which is not on the left")
                matches = matches and not _apart(left, right)
                keys |= as_role(left.origins | right.origins, "key")
            if not matches:
                continue
            if on is not None:
                keys |= self._condition(on, made)
            if side in ("LEFT", "FULL"):
                made.tables[alias] = _uncertain(kind, keys)
            else:
                made.origins |= kind.origins | keys
                if on is not None:
                    self._note(on, made)
                    self._refine(on, made)
            if side == "FULL":
                _merge_shared(made, using)
            out.append(made)
        if not out and side in ("LEFT", "FULL") and kinds:
            made = frame.copy()
            made.tables[alias] = {name: Value(known=frozenset()) for name in kinds[0].columns}
            made.shared |= set(using)
            out.append(made)
        return out

    def _keep(self, condition: exp.Expr, frame: _Frame) -> bool:
        """Apply a WHERE: tell whether such rows pass at all, and note what it asks of them."""
        if self._truth(condition, frame) is False:
            return False
        for part in _conjuncts(condition):
            if self._truth(part, frame) is None:
                frame.origins |= as_role(self._value(part, frame).origins, "filter")
        self._note(condition, frame)
        self._refine(condition, frame)
        return True

    def _select(self, select: exp.Expr, outer: _Frame | None) -> list[Kind]:
        items = select.expressions
        group = select.args.get("group")
        aggregated = group is not None or any(_aggregates(item) for item in items)
        having = select.args.get("having")
        out: list[Kind] = []
        for whole in self._frames(select, outer):
            for frame in self._split(items, whole):
                columns = self._none_yet(items, frame)
                for position, item in enumerate(items):
                    for name, value in self._item(item, frame):
                        # A name that is there already keeps its place for a UNION.
                        unique = name if name not in columns else f"{name}\0{position}"
                        columns[unique] = Value(_limited(value.origins, frame.limits), value.known)
                origins = frame.origins
                if having is not None:
                    origins |= as_role(self._value(having.this, frame).origins, "filter")
                counted = _limited(frame.counted, frame.limits)
                if aggregated and group is not None:
                    # A group is counted as what it is a group of.
                    keys = self._keys(group, items, frame)
                    counted = keys or counted
                out.append(Kind(columns, origins, counted))
        return self._told_apart(out)

    def _none_yet(self, items: list[exp.Expr], frame: _Frame) -> Columns:
        """Return no columns, or those of a table without known ones where all are selected."""
        for item in items:
            named = isinstance(item, exp.Column) and isinstance(item.this, exp.Star)
            if not named and not isinstance(item, exp.Star):
                continue
            for alias, columns in frame.tables.items():
                if isinstance(columns, Open) and (not named or alias == item.text("table")):
                    return Open(columns.dataset)
        return {}

    def _told_apart(self, kinds: list[Kind]) -> list[Kind]:
        if not self.tracer.literals:
            for kind in kinds:
                for name, value in kind.columns.items():
                    kind.columns[name] = Value(value.origins)
        return _merged(kinds)

    def _keys(self, group: exp.Expr, items: list[exp.Expr], frame: _Frame) -> Origins:
        found = []
        for key in group.expressions:
            where = (
                items[int(key.this) - 1]
                if isinstance(key, exp.Literal) and not key.is_string
                else key
            )
            found.append(_limited(self._value(where.unalias(), frame).origins, frame.limits))
        return _union(found)

    def _split(self, items: list[exp.Expr], frame: _Frame) -> list[_Frame]:
        """Make a kind of each literal that a CASE gives the stage or the measure."""
        frames = [frame]
        for item in items if self.tracer.literals else ():
            case = item.unalias()
            if item.alias not in _SPLIT or not isinstance(case, exp.Case):
                continue
            if self._value(case, frame).known is None:
                continue
            out = []
            for one in frames:
                for condition, result in _branches(case):
                    made = one.copy()
                    known = self._value(result, one).known
                    if condition is not None and not self._keep(condition, made):
                        continue
                    made.tables.setdefault("", {})[item.alias + "\0"] = Value(known=known)
                    out.append(made)
            frames = out
        return frames

    def _item(self, item: exp.Expr, frame: _Frame) -> Iterator[tuple[str, Value]]:
        if isinstance(item, exp.Star):
            seen: set[str] = set()
            for alias, columns in frame.tables.items():
                for name, value in columns.items():
                    if alias and not (name in seen and name in frame.shared):
                        seen.add(name)
                        yield name, value
            return
        if isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
            yield from frame.tables[item.table].items()
            return
        fixed = frame.tables.get("", {}).get(item.alias_or_name + "\0")
        name = item.alias_or_name or "?"
        yield name, fixed or self._value(item.unalias(), frame)

    # --- expressions -----------------------------------------------------------------------------

    def _value(self, node: exp.Expr, frame: _Frame) -> Value:
        """Return what an expression may be and where it comes from."""
        if isinstance(node, exp.Paren | exp.Cast | exp.Alias):
            return self._value(node.this, frame)
        if isinstance(node, exp.Literal):
            return Value(known=frozenset({node.this}))
        if isinstance(node, exp.Null):
            return Value(known=frozenset())
        if isinstance(node, exp.Column):
            return self._column(node, frame)
        if isinstance(node, exp.Case):
            return self._case(node, frame)
        if isinstance(node, exp.Array):
            parts = [self._value(part, frame) for part in node.expressions]
            return Value(_union(p.origins for p in parts), _all_known(parts))
        if isinstance(node, exp.Coalesce):
            parts = [self._value(part, frame) for part in (node.this, *node.expressions)]
            return Value(_union(p.origins for p in parts), _all_known(parts))
        if isinstance(node, exp.Filter):
            return self._filtered(node, frame)
        if isinstance(node, exp.Count) and isinstance(node.this, exp.Star):
            return Value(frame.counted)
        if isinstance(node, exp.Window):
            found = self._value(node.this, frame).origins
            around = [
                *(node.args.get("partition_by") or ()),
                *([node.args["order"]] if node.args.get("order") else []),
            ]
            return Value(
                found | as_role(_union(self._value(n, frame).origins for n in around), "key")
            )
        if isinstance(node, exp.Exists | exp.Subquery):
            return self._subquery(node.this, frame, exists=isinstance(node, exp.Exists))
        if isinstance(node, exp.Query):
            return self._subquery(node, frame, exists=False)
        children = [
            child for child in node.iter_expressions() if not isinstance(child, exp.DataType)
        ]
        return Value(_union(self._value(child, frame).origins for child in children))

    def _column(self, node: exp.Column, frame: _Frame) -> Value:
        found = frame.find(node.name, node.table)
        if found is not None:
            return found
        # A table's or function's name alone is its row, here its only column.
        if not node.table and node.name in frame.tables:
            return Value(_union(v.origins for v in frame.tables[node.name].values()))
        raise EduplanError(f"lineage: no column {node.sql()}")

    def _case(self, node: exp.Case, frame: _Frame) -> Value:
        results: list[Value] = []
        conditions: list[Origins] = []
        for condition, result in _branches(node):
            truth = True if condition is None else self._truth(condition, frame)
            if truth is False:
                continue
            if truth is None and condition is not None:
                conditions.append(as_role(self._value(condition, frame).origins, "filter"))
            results.append(self._value(result, frame))
            if truth:
                break
        return Value(_union([*(r.origins for r in results), *conditions]), _all_known(results))

    def _filtered(self, node: exp.Filter, frame: _Frame) -> Value:
        """Return an aggregate with FILTER: under a condition that fails here it is null."""
        condition = node.expression.this
        truth = self._truth(condition, frame)
        if truth is False:
            return Value(known=frozenset())
        inner = frame.copy()
        if truth is None:
            self._note(condition, inner)
        found = _limited(self._value(node.this, inner).origins, _fresh(inner, frame))
        return Value(
            found
            | (
                as_role(self._value(condition, frame).origins, "filter")
                if truth is None
                else NOTHING
            )
        )

    def _subquery(self, query: exp.Expr, frame: _Frame, *, exists: bool) -> Value:
        kinds = self.kinds(query, frame)
        if exists:
            return Value(_union([*(k.counted for k in kinds), *(k.origins for k in kinds)]))
        first = [next(iter(k.columns.values())).origins for k in kinds if k.columns]
        return Value(_union([*first, *(k.origins for k in kinds)]))

    # --- conditions ------------------------------------------------------------------------------

    def _truth(self, node: exp.Expr, frame: _Frame) -> bool | None:
        """Tell whether a condition holds for such rows; None: it depends on the data."""
        if isinstance(node, exp.Paren):
            return self._truth(node.this, frame)
        if isinstance(node, exp.And | exp.Or):
            stop = isinstance(node, exp.Or)
            parts = [self._truth(node.this, frame), self._truth(node.expression, frame)]
            if stop in parts:
                return stop
            return None if None in parts else not stop
        if isinstance(node, exp.Not):
            inner = self._truth(node.this, frame)
            return None if inner is None else not inner
        if isinstance(node, exp.Boolean):
            return bool(node.this)
        if isinstance(node, exp.EQ | exp.NEQ):
            left = self._value(node.this, frame)
            of = node.expression.this if isinstance(node.expression, exp.Any) else node.expression
            right = self._value(of, frame)
            return _compared(
                left.known,
                right.known,
                isinstance(node, exp.NEQ),
                isinstance(node.expression, exp.Any),
            )
        if isinstance(node, exp.In) and node.expressions:
            left = self._value(node.this, frame)
            listed = _all_known([self._value(e, frame) for e in node.expressions])
            return _compared(left.known, listed, False, True)
        if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
            known = self._value(node.this, frame).known
            return None if known is None else bool(known) == bool(node.args.get("negate"))
        if isinstance(node, exp.Column):
            known = self._value(node, frame).known
            if known is not None and not known:
                return False
        return None

    def _condition(self, node: exp.Expr, frame: _Frame) -> Origins:
        """Return the origins of a join condition: of equal columns as keys, else as filters."""
        found: list[Origins] = []
        for part in _conjuncts(node):
            if self._truth(part, frame) is not None:
                continue
            written = self._written(part, frame)
            equal = written.find(exp.Literal) is None and isinstance(part, exp.EQ | exp.In)
            found.append(as_role(self._value(part, frame).origins, "key" if equal else "filter"))
        return _union(found)

    def _note(self, condition: exp.Expr, frame: _Frame) -> None:
        """Keep the conditions that say which rows of a source are taken."""
        for part in _conjuncts(condition):
            if part.find(exp.Query) or self._truth(part, frame) is not None:
                continue
            written = self._written(part, frame)
            if _is_plumbing(written):
                continue
            text = written.sql("postgres", comments=False)
            for dataset in {o.dataset for o in self._value(part, frame).origins if o.role != "key"}:
                frame.limits[dataset] = frame.limits.get(dataset, frozenset()) | {text}

    def _written(self, condition: exp.Expr, frame: _Frame) -> exp.Expr:
        """Return a condition without table names, and with literals for what stands for them."""
        if condition.find(exp.Query):
            return condition
        return condition.transform(lambda node: self._plain(node, frame))

    def _plain(self, node: exp.Expr, frame: _Frame) -> exp.Expr:
        if not isinstance(node, exp.Column):
            return node
        value = self._value(node, frame)
        if not value.known or value.origins:
            return exp.column(node.name)
        literals = [
            exp.Literal.number(known) if known.isdecimal() else exp.Literal.string(known)
            for known in sorted(value.known)
        ]
        return literals[0] if len(literals) == 1 else exp.Tuple(expressions=literals)

    def _refine(self, condition: exp.Expr, frame: _Frame) -> None:
        """Narrow what columns may hold where a condition compares them with literals."""
        for part in _conjuncts(condition):
            if isinstance(part, exp.EQ) and not isinstance(part.expression, exp.Any):
                target, allowed = part.this, self._value(part.expression, frame).known
            elif isinstance(part, exp.In) and part.expressions:
                target = part.this
                allowed = _all_known([self._value(e, frame) for e in part.expressions])
            else:
                continue
            if not isinstance(target, exp.Column) or allowed is None:
                continue
            for alias, columns in frame.tables.items():
                if (not target.table or alias == target.table) and target.name in columns:
                    before = columns[target.name]
                    known = allowed if before.known is None else before.known & allowed
                    columns[target.name] = Value(before.origins, known)
                    break


def _fresh(inner: _Frame, frame: _Frame) -> dict[str, frozenset[str]]:
    return {d: texts - frame.limits.get(d, frozenset()) for d, texts in inner.limits.items()}


def _column_names(item: exp.Expr) -> list[str]:
    """Return the columns that an alias names, as in ``as point (year, value)``."""
    alias = item.args.get("alias")
    if not isinstance(alias, exp.TableAlias):
        return []
    return [column.name for column in alias.args.get("columns") or ()]


def _uncertain(kind: Kind, keys: Origins) -> Columns:
    """Return the columns of an outer join: where nothing matches they are null."""
    if isinstance(kind.columns, Open):
        return kind.columns.copy()
    return {
        name: Value(value.origins | kind.origins | keys, None if value.known else value.known)
        for name, value in kind.columns.items()
    }


def _merge_shared(frame: _Frame, using: list[str]) -> None:
    """Make one column of two that a full join shares: either side may be the one that is there."""
    for name in using:
        held = [columns for columns in frame.tables.values() if name in columns]
        merged = Value(_union(columns[name].origins for columns in held))
        for columns in held:
            columns[name] = merged


def _renamed(kind: Kind, names: list[str]) -> Kind:
    if not names:
        return kind
    values = list(kind.columns.values())
    rest = list(kind.columns)[len(names) :]
    return replace(kind, columns=dict(zip([*names, *rest], values, strict=True)))


def _mentions(query: exp.Expr, name: str) -> bool:
    return any(table.name == name for table in query.find_all(exp.Table))


def _all_known(values: Iterable[Value]) -> frozenset[str] | None:
    found: set[str] = set()
    for value in values:
        if value.known is None:
            return None
        found |= value.known
    return frozenset(found)


def _apart(left: Value, right: Value) -> bool:
    return left.known is not None and right.known is not None and not left.known & right.known


def _compared(
    left: frozenset[str] | None, right: frozenset[str] | None, differ: bool, any_of: bool
) -> bool | None:
    """Compare what two sides may be; a side that is null compares with nothing."""
    if left is not None and not left or right is not None and not right:
        return False
    if left is None or right is None:
        return None
    if not left & right:
        return differ
    if len(left) == 1 and (len(right) == 1 or any_of):
        return not differ
    return None


def _conjuncts(node: exp.Expr) -> Iterator[exp.Expr]:
    if isinstance(node, exp.Paren):
        yield from _conjuncts(node.this)
    elif isinstance(node, exp.And):
        yield from _conjuncts(node.this)
        yield from _conjuncts(node.expression)
    else:
        yield node


def _branches(case: exp.Case) -> Iterator[tuple[exp.Expr | None, exp.Expr]]:
    """Yield (condition, result) of a CASE; ELSE has no condition."""
    for branch in case.args["ifs"]:
        condition = branch.this
        if case.this is not None:
            condition = exp.EQ(this=case.this.copy(), expression=condition.copy())
        yield condition, branch.args["true"]
    yield None, case.args.get("default") or exp.Null()


def _aggregates(item: exp.Expr) -> bool:
    """Tell whether an item of SELECT aggregates; in a window or a subquery it does not."""
    for found in item.find_all(exp.AggFunc):
        parents = itertools.takewhile(lambda n: n is not item.parent, _ancestors(found))
        if not any(isinstance(p, exp.Window | exp.Query) for p in parents):
            return True
    return False


def _ancestors(node: exp.Expr) -> Iterator[exp.Expr]:
    current = node.parent
    while current is not None:
        yield current
        current = current.parent


def _is_plumbing(part: exp.Expr) -> bool:
    """Tell whether a condition says nothing by itself: columns are compared, or asked for."""
    if isinstance(part, exp.Is):
        return True
    flag = part.this if isinstance(part, exp.Not) else part
    return not isinstance(flag, exp.Column) and part.find(exp.Literal) is None
