"""Compare what the pipeline accused with the city's ledger of planted defects.

``python -m tests.e2e.ledger`` prints, after a demo, the comparison by kind of defect.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from eduplan.postgres import ensure_database
from eduplan.settings import load_settings

INFO = "info"
BLIND = "_blind.csv"


@dataclass(frozen=True, order=True)
class Place:
    """A row of a file; ``row`` 0 is the file itself, an empty ``file`` the whole delivery."""

    dataset: str
    period: str
    file: str
    sheet: str
    row: int


@dataclass(frozen=True, order=True)
class Accusation:
    """One rule at one place."""

    place: Place
    rule: str


@dataclass(frozen=True)
class Comparison:
    """``missing``: planted and not found; ``false_accusations``: found and not planted."""

    missing: tuple[Accusation, ...]
    false_accusations: tuple[Accusation, ...]

    @property
    def exact(self) -> bool:
        """Whether everything planted was found and nobody else was accused."""
        return not self.missing and not self.false_accusations

    def __str__(self) -> str:
        lines = [f"{len(self.missing)} missing, {len(self.false_accusations)} false accusations"]
        for title, found in (("missing", self.missing), ("false", self.false_accusations)):
            counted = Counter((a.place.dataset, a.place.period, a.rule) for a in found)
            for (dataset, period, rule), count in sorted(counted.items()):
                first = min(a.place for a in found if a.rule == rule and a.place.dataset == dataset)
                lines.append(
                    f"  {title} {dataset} {period} {rule} x{count},"
                    f" e.g. {first.file} {first.sheet} row {first.row}"
                )
        return "\n".join(lines)


_ROWS = """
select b.dataset, b.period, f.path, f.sheet, v.row_no, v.rules, v.severity
from quality.row_verdict v
join ops.batch b using (batch_id)
join ops.batch_file f using (batch_id, file_no)
where b.status in ('audited', 'held', 'published')
    and not exists (
        select from raw.superseded_row s
        where s.batch_id = v.batch_id and s.file_no = v.file_no and s.row_no = v.row_no
    )
    and not exists (
        select from quality.quarantined_row q
        where q.batch_id = v.batch_id and q.file_no = v.file_no and q.row_no = v.row_no
            and q.status = 'fixed'
    )
union all
select b.dataset, b.period, f.path, f.sheet, q.row_no, q.rules, 'critical'
from quality.quarantined_row q
join ops.batch b using (batch_id)
join ops.batch_file f using (batch_id, file_no)
where q.rules[1] like 'LND-%' and b.status in ('landed', 'audited', 'held', 'published')
"""

# Where schools deliver one by one, the latest reading of a file counts.
_FILES = """
with latest as (
    select b.dataset, b.period, f.path, max(batch_id) as batch_id
    from ops.batch_file f join ops.batch b using (batch_id)
    where b.status <> 'superseded'
    group by b.dataset, b.period, f.path
)
select l.dataset, l.period, l.path, f.error_code
from latest l join ops.batch_file f using (batch_id, path)
where f.error_code is not null
union
select l.dataset, l.period, l.path, d.rule_id
from latest l
join ops.batch_file f using (batch_id, path)
join ops.drift_event d using (batch_id, file_no)
-- DRF events (a missing optional column, an unknown code) accuse nobody: the rows' rules do.
where d.rule_id like 'LND-%'
"""

_TABLES = """
select distinct c.dataset, c.period, c.rule_id
from quality.check_result c
join ops.batch b using (batch_id)
where c.level = 'table' and c.status = 'failed' and b.status <> 'superseded'
"""

_INFO_RULES = "select distinct rule_id from quality.check_result where severity = 'info'"


@dataclass(frozen=True)
class KindRow:
    """How one kind of defect was found. All numbers count pairs of a place and a rule."""

    kind: str
    rules: tuple[str, ...]
    """The rules that must find it; none: a kind that no rule can find."""
    datasets: int
    planted: int
    found: int
    otherwise: int
    """Of those missed: the place was accused all the same, by another rule."""
    accused: int
    """All accusations by the rules of this kind, of whatever was planted."""
    false: int
    """Of those: at places where nothing is planted."""

    @property
    def missed(self) -> int:
        """Planted and not found by the rule meant for it."""
        return self.planted - self.found

    @property
    def recall(self) -> float:
        """Share of the planted that was found."""
        return self.found / self.planted

    @property
    def precision(self) -> float | None:
        """Share of the rules' accusations that hit a planted defect; None without any."""
        return 1 - self.false / self.accused if self.accused else None


@dataclass(frozen=True)
class _Found:
    """What ``db`` accuses: everything, and what of it is a row's warning or worse."""

    all: frozenset[Accusation]
    serious: frozenset[Accusation]
    info_rules: frozenset[str]

    @property
    def rows(self) -> frozenset[Accusation]:
        return frozenset(a for a in self.all if a.place.row)


def compare(db: psycopg.Connection, ledger_path: Path) -> Comparison:
    """Compare rows, files and tables accused in ``db`` with the ledger.

    A planted row must be accused by its rule (further rules may accuse it too). A row that is not
    planted must have no critical and no warning verdict; info rules are compared by count.
    """
    planted = {_planted(line) for line in _read(ledger_path)}
    found = _found(db)
    return Comparison(
        missing=tuple(sorted(planted - found.all)),
        false_accusations=tuple(sorted(_false(planted, found))),
    )


def by_kind(db: psycopg.Connection, ledger_path: Path) -> list[KindRow]:
    """Tell for each kind of planted defect how much of it was found, ordered by kind.

    A rule that finds several kinds counts in each of them. Kinds of ``_blind.csv`` beside the
    ledger, which no rule can find, follow without rules: found is what was accused all the same.
    """
    found = _found(db)
    planted: dict[str, set[Accusation]] = defaultdict(set)
    for line in _read(ledger_path):
        planted[line["kind"]].add(_planted(line))
    false = _false(set().union(*planted.values()), found)
    accused_places = {a.place for a in found.all}
    rows = []
    for kind, accusations in sorted(planted.items()):
        rules = {a.rule for a in accusations}
        missed = accusations - found.all
        rows.append(
            KindRow(
                kind,
                tuple(sorted(rules)),
                len({a.place.dataset for a in accusations}),
                len(accusations),
                len(accusations & found.all),
                sum(a.place in accused_places for a in missed),
                sum(a.rule in rules for a in found.all),
                sum(a.rule in rules for a in false),
            )
        )
    blind: dict[str, set[Place]] = defaultdict(set)
    path = ledger_path.with_name(BLIND)
    for line in _read(path) if path.is_file() else ():
        blind[line["kind"]].add(_planted(line).place)
    serious = {a.place for a in found.serious}
    for kind, places in sorted(blind.items()):
        datasets = len({place.dataset for place in places})
        rows.append(KindRow(kind, (), datasets, len(places), len(places & serious), 0, 0, 0))
    return rows


def table(rows: Iterable[KindRow]) -> str:
    """Return the rows as a Markdown table with their sums."""
    lines = [
        "| kind | rules | datasets | planted | found | missed | recall"
        " | false accusations | precision |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    rows = list(rows)
    for r in rows:
        precision = "" if r.precision is None else f"{r.precision:.1%}"
        rules = ", ".join(r.rules) or "none can"
        lines.append(
            f"| {r.kind} | {rules} | {r.datasets} | {r.planted} | {r.found} | {r.missed} |"
            f" {r.recall:.1%} | {r.false} | {precision} |"
        )
    return "\n".join(lines)


def summary(rows: Iterable[KindRow]) -> str:
    """Return one sentence: kinds, what was found of what, wrongly accused."""
    rows = list(rows)
    seen = [r for r in rows if r.rules]
    planted, found = sum(r.planted for r in seen), sum(r.found for r in seen)
    rules = {rule: r.false for r in seen for rule in r.rules}
    return (
        f"{len(seen)} kinds that rules can find: {found} of {planted} found,"
        f" {sum(r.found == r.planted for r in seen)} kinds in full,"
        f" {sum(bool(n) for n in rules.values())} rules with false accusations;"
        f" {len(rows) - len(seen)} kinds that no rule can find,"
        f" {sum(r.found for r in rows if not r.rules)} of"
        f" {sum(r.planted for r in rows if not r.rules)} accused all the same."
    )


def _planted(line: dict[str, str]) -> Accusation:
    """Return where and by which rule a line of the ledger must be found."""
    rule, row = line["rule_id"], int(line["row"] or 0)
    dataset, period = line["dataset"], line["period"]
    if row and rule != "LND-022":  # a total's mismatch is an event of its file
        return Accusation(Place(dataset, period, line["file"], line["sheet"], row), rule)
    if rule.startswith("LND-"):
        return Accusation(Place(dataset, period, line["file"], "", 0), rule)
    return Accusation(Place(dataset, period, "", "", 0), rule)


def _found(db: psycopg.Connection) -> _Found:
    """Read every accusation that counts now."""
    info_rules = frozenset(rule for (rule,) in db.execute(_INFO_RULES))
    every: set[Accusation] = set()
    serious: set[Accusation] = set()
    for dataset, period, path, sheet, row, rules, severity in db.execute(_ROWS):
        place = Place(dataset, period, path, sheet, row)
        every |= {Accusation(place, rule) for rule in rules}
        if severity != INFO:
            serious |= {Accusation(place, rule) for rule in rules if rule not in info_rules}
    for dataset, period, path, rule in db.execute(_FILES):
        every.add(Accusation(Place(dataset, period, path, "", 0), rule))
    for dataset, period, rule in db.execute(_TABLES):
        every.add(Accusation(Place(dataset, period, "", "", 0), rule))
    return _Found(frozenset(every), frozenset(serious), info_rules)


def _false(planted: set[Accusation], found: _Found) -> set[Accusation]:
    """Return the accusations of rows, files and tables where nothing is planted."""
    places = {a.place for a in planted if a.place.row}
    return (
        {a for a in found.serious if a.place not in places}
        | {a for a in found.all if not a.place.row and a not in planted}
        | _surplus(
            (a for a in found.rows if a.rule in found.info_rules),
            (a for a in planted if a.place.row and a.rule in found.info_rules),
        )
    )


def _surplus(found: Iterable[Accusation], planted: Iterable[Accusation]) -> set[Accusation]:
    """Return accusations of info rules beyond their planted number, per dataset and period."""
    expected = Counter((a.place.dataset, a.place.period, a.rule) for a in planted)
    kept = set()
    for accusation in sorted(found):
        key = (accusation.place.dataset, accusation.place.period, accusation.rule)
        if expected[key] == 0:
            kept.add(accusation)
        else:
            expected[key] -= 1
    return kept


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


if __name__ == "__main__":
    settings = load_settings()
    with psycopg.connect(ensure_database(settings)) as connection:
        measured = by_kind(connection, settings.source_root / "_ledger.csv")
    print(summary(measured), table(measured), sep="\n\n")
