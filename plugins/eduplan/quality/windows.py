"""When what is due: the deadlines and submission windows of the contracts, as days.

A contract states them without a year (``slaProperties``: ``deadline`` 09-20, ``window``
09-01/09-30); the period gives the year:

=============  ====================================================================
school_year    from September on the year it begins in, before that the next one
fiscal_year    the year after
year           until June the year after, from July on the year itself
none           the list or platform is to be confirmed once a year; the period is that year, or,
               where the deadline is only a day (05), each month, due on that day of the next
=============  ====================================================================

Exceptions for one dataset and period stand in the seed ``submission_window.csv``.
"""

import calendar
import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from eduplan.contract import Contract, period_of_year, period_start
from eduplan.errors import ContractError

_WHOLE_YEAR = ("01-01", "12-31")


@dataclass(frozen=True)
class Window:
    """One period of a dataset: nothing is expected before ``opens_on``, it is late after
    ``due_on``."""

    dataset: str
    period: str
    opens_on: dt.date
    due_on: dt.date


def windows(contract: Contract, years: range) -> list[Window]:
    """Return the windows of every period of ``contract``; of one without periods, for ``years``.

    Raises ContractError when its deadline or window is no day of a year.
    """
    deadline = contract.sla["deadline"]
    if contract.period_kind == "none" and re.fullmatch(r"\d\d", deadline):
        return list(_monthly(contract, int(deadline), years))
    if contract.period_kind != "none":
        first, last = contract.period_range
        years = range(int(first[:4]), int(last[:4]) + 1)
    return [_yearly(contract, deadline, year) for year in years]


def _yearly(contract: Contract, deadline: str, year: int) -> Window:
    kind = contract.period_kind
    month = _month_day(contract, "deadline", deadline)[0]
    later = kind == "fiscal_year" or (kind == "school_year" and month < 9)
    due = _day(contract, "deadline", deadline, year + (later or kind == "year" and month <= 6))
    period = str(year) if kind == "none" else period_of_year(kind, year)
    bounds = tuple(contract.sla.get("window", "").split("/"))
    if len(bounds) == 2 and (kind == "none" or bounds != _WHOLE_YEAR):
        _month_day(contract, "window", bounds[1])
        opens = _day(contract, "window", bounds[0], due.year)
        if opens > due:
            opens = _day(contract, "window", bounds[0], due.year - 1)
    elif kind == "none":
        opens = _day(contract, "deadline", deadline, year - 1) + dt.timedelta(days=1)
    else:
        opens = period_start(kind, period)
    return Window(contract.dataset, period, opens, due)


def _monthly(contract: Contract, day: int, years: range) -> Iterator[Window]:
    for year in years:
        for month in range(1, 13):
            after = dt.date(year + month // 12, month % 12 + 1, 1)
            due = after.replace(day=min(day, calendar.monthrange(after.year, after.month)[1]))
            yield Window(contract.dataset, f"{year}-{month:02}", after, due)


def _month_day(contract: Contract, name: str, text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d\d)-(\d\d)", text)
    try:
        if found:
            return (day := dt.date(2000, int(found[1]), int(found[2]))).month, day.day
    except ValueError:
        pass
    raise ContractError(
        f"{contract.path}: slaProperties {name}: {text!r} is no day of a year",
        hint='write "09-20" for 20 September (a window: "09-01/09-30")',
    )


def _day(contract: Contract, name: str, text: str, year: int) -> dt.date:
    month, day = _month_day(contract, name, text)
    return dt.date(year, month, min(day, calendar.monthrange(year, month)[1]))


def record(conn: psycopg.Connection[Any], contracts: Mapping[str, Contract]) -> None:
    """Write the duties and windows of all ``contracts``, replacing those of before."""
    listed = contracts.values()
    kept = [w for contract in listed for w in windows(contract, _years(listed))]
    with conn.transaction(), conn.cursor() as cur:
        cur.execute("delete from quality.reporting_duty")
        cur.executemany(
            "insert into quality.reporting_duty values (%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    c.dataset, c.title_zh, c.system, c.owner, c.steward, c.source.kind,
                    c.period_kind, c.scope,
                )
                for c in listed
            ],
        )  # fmt: skip
        cur.execute("delete from quality.submission_window")
        with cur.copy(
            "copy quality.submission_window (dataset, period, opens_on, due_on, source) from stdin"
        ) as copy:
            for window in kept:
                source = f"contract {contracts[window.dataset].version}"
                copy.write_row(
                    (window.dataset, window.period, window.opens_on, window.due_on, source)
                )


def _years(contracts: Iterable[Contract]) -> range:
    """Return the calendar years that the periods of the contracts lie in, and one more."""
    spans = [c.period_range for c in contracts if c.period_kind != "none"]
    if not spans:
        return range(0)
    return range(min(int(s[0][:4]) for s in spans), max(int(s[1][:4]) for s in spans) + 2)
