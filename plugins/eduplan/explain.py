"""Where an indicator's value comes from, how sure it is and what changed it.

Reads the published marts only, so that whatever is suppressed there stays so here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import psycopg
from psycopg.rows import dict_row

from eduplan.errors import EduplanError

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Explanation:
    """One value of one region and period. Numbers are in the unit of the indicator.

    ``head``: definition, value, both sides, coverage, suppression; ``verdicts``: one a plan
    version; ``contributors``: the schools (or counties) that move it most; ``batches``: the
    deliveries behind it, those with open quarantined rows first; ``exposure``: the bounds that
    these rows leave open, None when there are none; ``revisions``: newest first.
    """

    head: Row
    verdicts: tuple[Row, ...]
    contributors: tuple[Row, ...]
    batches: tuple[Row, ...]
    exposure: Row | None
    revisions: tuple[Row, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain lists and mappings, for JSON."""
        return {
            **self.head,
            "verdicts": list(self.verdicts),
            "contributors": list(self.contributors),
            "batches": list(self.batches),
            "exposure": self.exposure,
            "revisions": list(self.revisions),
        }


def explain(
    conn: psycopg.Connection[Any], code: str, region: str | None = None, period: str | None = None
) -> Explanation:
    """Explain indicator ``code`` of ``region`` (code or name; None: the city) in ``period``.

    Without a period the latest with a value is taken. Raises EduplanError when the indicator, the
    region or the period is unknown, or nothing was built yet.
    """
    with conn.cursor(row_factory=dict_row) as cur:
        try:
            found = _one(cur, "head", {"code": code, "region": region, "period": period})
            if found is None:
                raise _unknown(cur, code, region, period)
            place = {
                "code": code, "region": found["region_code"], "period": found["period"],
                "year": found["period_year"],
            }  # fmt: skip
            exposure = _one(cur, "exposure", place)
            return Explanation(
                head=found,
                verdicts=_all(cur, "verdicts", place),
                contributors=_all(cur, "contributors", place),
                batches=_all(cur, "batches", place),
                exposure=exposure,
                revisions=_all(cur, "revisions", place),
            )
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            raise EduplanError(
                "the warehouse has not been built yet", hint="run `eduplan build`"
            ) from None


def _statement(name: str) -> bytes:
    return (resources.files("eduplan") / "sql" / "explain" / f"{name}.sql").read_bytes()


def _one(cur: psycopg.Cursor[Any], name: str, values: Mapping[str, Any]) -> Row | None:
    row: Row | None = cur.execute(_statement(name), values).fetchone()
    return row


def _all(cur: psycopg.Cursor[Any], name: str, values: Mapping[str, Any]) -> tuple[Row, ...]:
    return tuple(cur.execute(_statement(name), values).fetchall())


def _unknown(
    cur: psycopg.Cursor[Any], code: str, region: str | None, period: str | None
) -> EduplanError:
    """Say which of the three is not there, and what is."""
    row = cur.execute("select 1 from ref.indicator where indicator_code = %s", (code,)).fetchone()
    if row is None:
        return EduplanError(f"no indicator {code!r}", hint="`eduplan indicators` lists them")
    if region is not None:
        row = cur.execute(
            "select 1 from marts.dim_region where %(r)s in (region_code, region_name, short_name)",
            {"r": region},
        ).fetchone()
        if row is None:
            names = cur.execute(
                "select string_agg(region_name, ' ' order by sort_order) as names"
                " from marts.dim_region"
            ).fetchone()
            known = names["names"] if names else "none"
            return EduplanError(f"no region {region!r}", hint=f"regions: {known}")
    periods = cur.execute(
        "select string_agg(distinct period, ' ' order by period) as periods from marts.ind_value"
        " where indicator_code = %s and breakdown = 'all'",
        (code,),
    ).fetchone()
    return EduplanError(
        f"{code} has no row for {region or 'the city'}" + (f" in {period}" if period else ""),
        hint=f"periods with values: {(periods and periods['periods']) or 'none'}",
    )
