"""Compare what the pipeline accused with the city's ledger of planted defects."""

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psycopg

INFO = "info"


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
"""

_TABLES = """
select distinct c.dataset, c.period, c.rule_id
from quality.check_result c
join ops.batch b using (batch_id)
where c.level = 'table' and c.status = 'failed' and b.status <> 'superseded'
"""

_INFO_RULES = "select distinct rule_id from quality.check_result where severity = 'info'"


def compare(db: psycopg.Connection, ledger_path: Path) -> Comparison:
    """Compare rows, files and tables accused in ``db`` with the ledger.

    A planted row must be accused by its rule (further rules may accuse it too). A row that is not
    planted must have no critical and no warning verdict; info rules are compared by count.
    """
    planted_rows: set[Accusation] = set()
    planted_files: set[Accusation] = set()
    planted_tables: set[Accusation] = set()
    for line in _read(ledger_path):
        rule, file = line["rule_id"], line["file"]
        dataset, period = line["dataset"], line["period"]
        row = int(line["row"] or 0)
        if row and rule != "LND-022":  # a total's mismatch is an event of its file
            place = Place(dataset, period, file, line["sheet"], row)
            planted_rows.add(Accusation(place, rule))
        elif rule.startswith("LND-"):
            planted_files.add(Accusation(Place(dataset, period, file, "", 0), rule))
        else:
            planted_tables.add(Accusation(Place(dataset, period, "", "", 0), rule))
    info_rules = {rule for (rule,) in db.execute(_INFO_RULES)}
    found_rows: set[Accusation] = set()
    serious: set[Accusation] = set()
    for dataset, period, path, sheet, row, rules, severity in db.execute(_ROWS):
        place = Place(dataset, period, path, sheet, row)
        found_rows |= {Accusation(place, rule) for rule in rules}
        if severity != INFO:
            serious |= {Accusation(place, rule) for rule in rules if rule not in info_rules}
    found_files = {
        Accusation(Place(dataset, period, path, "", 0), rule)
        for dataset, period, path, rule in db.execute(_FILES)
    }
    found_tables = {
        Accusation(Place(dataset, period, "", "", 0), rule)
        for dataset, period, rule in db.execute(_TABLES)
    }
    planted_places = {accusation.place for accusation in planted_rows}
    false_info = _surplus(
        (a for a in found_rows if a.rule in info_rules),
        (a for a in planted_rows if a.rule in info_rules),
    )
    return Comparison(
        missing=tuple(
            sorted(
                (planted_rows - found_rows)
                | (planted_files - found_files)
                | (planted_tables - found_tables)
            )
        ),
        false_accusations=tuple(
            sorted(
                {a for a in serious if a.place not in planted_places}
                | (found_files - planted_files)
                | (found_tables - planted_tables)
                | false_info
            )
        ),
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
