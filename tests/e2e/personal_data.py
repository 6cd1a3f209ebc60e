"""Look for people in everything an installation leaves behind, but where they may be.

People may be in the schemas `raw` and `staging` (its views), in the payload of quarantined rows,
and in what was delivered or is on its way (source folder, archive, mirror, spool). Nowhere else.
"""

import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from eduplan.contract import Contract

ALLOWED_FOLDERS = {
    "city": "the source files themselves",
    "archive": "delivered bytes, kept by hash",
    "mirror": "copies of remote source files",
    "spool": "records on their way from an API or a database",
    "postgres": "the database: its tables are looked at one by one",
}
ALLOWED_TABLES = {
    "raw.*": "rows as delivered, for the owner only",
    "quality.quarantined_row": "the payload of bad rows, for stewards",
    "quality.quarantine_event": "what a steward corrected",
}
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U000323af·]{3,}")
_DIGITS = re.compile(r"(?<!\d)(?:\d{17}[\dXx]|1\d{10})(?!\d)")


@dataclass
class People:
    """Direct identifiers in what was delivered: names of three characters or more, and numbers."""

    names: set[str] = field(default_factory=set)
    numbers: set[str] = field(default_factory=set)

    def in_text(self, text: str) -> set[str]:
        """Return those that stand in ``text``."""
        found = {n for n in set(_DIGITS.findall(text)) if n.upper() in self.numbers}
        lengths = {len(name) for name in self.names}
        for run in set(_HAN.findall(text)):
            for length in lengths:
                for start in range(len(run) - length + 1):
                    if run[start : start + length] in self.names:
                        found.add(run[start : start + length])
        return found


def people_of(db: psycopg.Connection, contracts: Mapping[str, Contract]) -> People:
    """Collect the values of every column that a contract calls directly personal."""
    people = People()
    for dataset, contract in contracts.items():
        if db.execute("select to_regclass(%s)", (f'raw."{dataset}"',)).fetchone() == (None,):
            continue
        for column in contract.columns:
            if column.personal != "direct":
                continue
            query = sql.SQL(
                "select distinct v from (select {0} as v from {1} union all"
                " select payload ->> {2} from quality.quarantined_row where dataset = {3}) as d"
                " where v is not null"
            ).format(
                sql.Identifier(column.name),
                sql.Identifier("raw", dataset),
                sql.Literal(column.name),
                sql.Literal(dataset),
            )
            for (value,) in db.execute(query):
                text = str(value).strip()
                if _HAN.fullmatch(text):
                    people.names.add(text)
                elif _DIGITS.fullmatch(text.removeprefix("G")):
                    people.numbers.add(text.removeprefix("G").upper())
    return people


def texts_of_home(home: Path) -> Iterator[tuple[str, str]]:
    """Yield (path, text) of every file below ``home`` outside the allowed folders."""
    for path in sorted(home.rglob("*")):
        relative = path.relative_to(home)
        if relative.parts[0] in ALLOWED_FOLDERS or not path.is_file() or path.is_symlink():
            continue
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as book:
                for name in book.namelist():
                    yield f"{relative}!{name}", book.read(name).decode("utf-8", "replace")
        else:
            yield str(relative), path.read_bytes().decode("utf-8", "replace")


def tables_of(url: str) -> Iterator[tuple[str, str]]:
    """Yield (table, its rows as text) of every table of a database that is not allowed people."""
    with psycopg.connect(url) as db:
        names = db.execute(
            "select n.nspname, c.relname from pg_class c join pg_namespace n on"
            " n.oid = c.relnamespace where c.relkind in ('r', 'm') and n.nspname !~ '^pg_'"
            " and n.nspname <> 'information_schema' order by 1, 2"
        ).fetchall()
        for schema, table in names:
            if f"{schema}.*" in ALLOWED_TABLES or f"{schema}.{table}" in ALLOWED_TABLES:
                continue
            statement = sql.SQL("copy {} to stdout").format(sql.Identifier(schema, table))
            with db.cursor().copy(statement) as rows:
                yield f"{schema}.{table}", b"".join(bytes(r) for r in rows).decode("utf-8")


def found_in(people: People, texts: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """Return place -> people found there; empty when there are none."""
    return {place: found for place, text in texts if (found := people.in_text(text))}
