"""One frozen state of the warehouse: what all files of an export say the same about."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata, resources
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row

from eduplan import warehouse
from eduplan.errors import EduplanError
from eduplan.postgres import ensure_database
from eduplan.report import LEDGER
from eduplan.settings import Settings
from eduplan.transform import BUILD_LOCK, code_fingerprint

SCHEMA = "bi"


@dataclass(frozen=True)
class Snapshot:
    """The state an export reads, through ``conn`` alone.

    ``built_at`` is when the numbers were built (UTC), ``day`` what deadlines are counted to.
    ``is_synthetic`` where the installation holds the synthetic city, whatever the plan.
    ``threshold``: counts of persons below it are hidden; None when the settings or the project
    have changed since the build, so that nobody can say.
    """

    conn: psycopg.Connection[Any]
    build_id: int
    built_at: dt.datetime
    day: dt.date
    is_synthetic: bool
    threshold: int | None

    def plans(self, plan: str | None = None) -> list[dict[str, Any]]:
        """Return version, name and kind of ``plan``, by default of all plans."""
        return [row for row in self.rows("plans") if plan in (None, row["plan_version"])]

    def is_demonstration(self, plan: str | None = None) -> bool:
        """Tell whether data or targets (those of ``plan``, by default of any) are made up."""
        return self.is_synthetic or any(row["is_demonstration"] for row in self.plans(plan))

    def facts(self, plan: str | None = None) -> dict[str, str]:
        """Return what every file says of the state it shows, as short texts."""
        return {
            "source": f"eduplan {metadata.version('eduplan')}, schema {SCHEMA}",
            "as_of": self.built_at.isoformat(),
            "build_id": str(self.build_id),
            "deadlines_counted_to": self.day.isoformat(),
            "suppression_threshold": "" if self.threshold is None else str(self.threshold),
            "is_demonstration": str(self.is_demonstration(plan)).lower(),
        }

    def rows(self, name: str, values: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return the rows of the statement ``sql/<name>.sql`` of this package."""
        statement = (resources.files(__package__) / "sql" / f"{name}.sql").read_bytes()
        with self.conn.cursor(row_factory=dict_row) as cur:
            return cur.execute(statement, values).fetchall()

    def column(self, statement: LiteralString) -> list[Any]:
        """Return the first column of the rows of ``statement``."""
        return [row[0] for row in self.conn.execute(statement).fetchall()]

    def region_code(self, given: str) -> str:
        """Return the code of the region called ``given`` (code or name)."""
        regions = self.conn.execute(
            "select region_code, region_name from bi.region order by region_code"
        ).fetchall()
        for code, name in regions:
            if given in (code, name):
                return str(code)
        known = ", ".join(f"{code} {name}" for code, name in regions)
        raise EduplanError(f"there is no region {given}", hint=f"there are {known}")

    def check(self, what: str, given: str | None, known: Sequence[str]) -> None:
        """Raise EduplanError unless ``given`` is one of ``known``."""
        if given is not None and given not in known:
            raise EduplanError(
                f"there is no {what} {given}", hint=f"there are {', '.join(known) or 'none'}"
            )

    def plan(self, given: str | None) -> str | None:
        """Return ``given`` when it is a plan version of the warehouse."""
        self.check("plan version", given, self.column(_PLANS))
        return given

    def period(self, given: str | None) -> str | None:
        """Return ``given`` when some indicator has it as a period."""
        self.check("period", given, self.column(_PERIODS))
        return given


_PLANS = "select distinct plan_version from bi.indicator_progress order by 1"
_PERIODS = "select distinct period from bi.indicator_value order by 1"


@contextmanager
def snapshot(settings: Settings, day: dt.date) -> Iterator[Snapshot]:
    """Freeze the warehouse of ``settings`` for reading; waits for a build that runs.

    ``day``: what deadlines are counted to.

    A build replaces tables, and what a new table holds is invisible to an older snapshot: the
    lock comes first, in a transaction of its own. Raises EduplanError when nothing was built yet.
    """
    with warehouse.connect(ensure_database(settings), autocommit=True) as conn:
        conn.execute("select pg_advisory_lock_shared(%s)", (BUILD_LOCK,))
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        conn.read_only = True
        conn.autocommit = False
        # Text of the server is the same everywhere: no word of its locale or time zone.
        conn.execute(
            "set local timezone = 'UTC'; set local datestyle = 'ISO, YMD';"
            " set local intervalstyle = 'iso_8601'; set local work_mem = '256MB'"
        )
        conn.execute("select set_config('eduplan.today', %s, true)", (day.isoformat(),))
        try:
            build = conn.execute(
                "select build_id, finished_at, fingerprint from ops.build where status = 'success'"
                " order by build_id desc limit 1"
            ).fetchone()
            if build is None:
                raise psycopg.errors.UndefinedTable
            conn.execute("select from bi.indicator_progress limit 0")
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            raise EduplanError(
                "the warehouse has not been built yet", hint="run `eduplan build`"
            ) from None
        same = build[2].startswith(code_fingerprint(settings))
        yield Snapshot(
            conn=conn,
            build_id=build[0],
            built_at=build[1],
            day=day,
            is_synthetic=(settings.source_root / LEDGER).exists(),
            threshold=settings.suppression_threshold if same else None,
        )
