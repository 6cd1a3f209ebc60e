"""Reads what the pages behind the scorecard show: a few queries for the whole site, none a page.

Only published tables (``marts``, ``ref``): what is suppressed there has no number here either.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import psycopg
from psycopg.rows import dict_row

from eduplan.scorecard import Scorecard

Row = Mapping[str, Any]
Rows = tuple[Row, ...]
MOST_SCHOOLS = 10
"""Schools shown at either end of an indicator."""


@dataclass(frozen=True)
class Facts:
    """Rows behind the pages; those about an indicator are of the period the scorecard shows.

    ``values`` has every period by indicator and region; ``exposure`` is by the same pair.
    """

    registry: Mapping[str, Row]
    measures: Mapping[str, str]
    thresholds: Mapping[str, Rows]
    values: Mapping[tuple[str, str], Rows]
    verdicts: Mapping[str, Rows]
    breakdowns: Mapping[str, Rows]
    schools: Mapping[str, Rows]
    hidden_schools: Mapping[str, int]
    contributions: Mapping[str, Rows]
    exposure: Mapping[tuple[str, str], Row]
    batches: Mapping[str, Rows]
    revisions: Rows
    projections: Mapping[str, Row]
    benchmarks: Mapping[str, Rows]
    international: Mapping[str, Rows]
    parity: Mapping[str, Rows]
    tasks: Mapping[str, Rows]
    coverage: Mapping[str, Rows]
    late: Mapping[str, Rows]
    county_schools: Mapping[str, Rows]
    rules: Mapping[str, Rows]
    differences: Mapping[str, Rows]

    def parts_of(self, code: str) -> Rows:
        """Registry rows of what an indicator is made of, in their order."""
        return tuple(r for r in self.registry.values() if r["parent_code"] == code)


def load_facts(conn: psycopg.Connection[Any], card: Scorecard) -> Facts:
    """Read everything for the plan version and the periods of ``card``, in any language."""
    shown = {
        "codes": [i.code for i in card.indicators],
        "periods": [i.city.period for i in card.indicators],
        "most": MOST_SCHOOLS,
        "plan_version": card.plan_version,
    }

    def rows(name: str) -> list[dict[str, Any]]:
        query = (resources.files(__package__) / "sql" / f"{name}.sql").read_bytes()
        with conn.cursor(row_factory=dict_row) as cur:
            return cur.execute(query, shown if b"%(" in query else None).fetchall()

    def by(name: str, key: str = "indicator_code") -> dict[str, Rows]:
        return _grouped(rows(name), key)

    values: dict[tuple[str, str], list[Row]] = {}
    for row in rows("values"):
        values.setdefault((row["indicator_code"], row["region_code"]), []).append(row)
    return Facts(
        registry={r["indicator_code"]: r for r in rows("registry")},
        measures={r["measure_code"]: r["measure_name_zh"] for r in rows("measures")},
        thresholds=by("thresholds"),
        values={pair: tuple(own) for pair, own in values.items()},
        verdicts=by("verdicts"),
        breakdowns=by("breakdowns"),
        schools=by("schools"),
        hidden_schools={r["indicator_code"]: r["hidden"] for r in rows("hidden_schools")},
        contributions=by("contributions"),
        exposure={(r["indicator_code"], r["region_code"]): r for r in rows("exposure")},
        batches=by("batches"),
        revisions=tuple(rows("revisions")),
        projections={r["indicator_code"]: r for r in rows("projections")},
        benchmarks=by("benchmarks"),
        international=by("international"),
        parity=by("parity"),
        tasks=by("tasks", "owner_region_code"),
        coverage=by("coverage", "county_code"),
        late=by("late", "county_code"),
        county_schools=by("county_schools", "county_code"),
        rules=by("rules", "county_code"),
        differences=by("differences", "county_code"),
    )


def _grouped(rows: Sequence[Row], key: str) -> dict[str, Rows]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row[key] or "", []).append(row)
    return {name: tuple(own) for name, own in found.items()}
