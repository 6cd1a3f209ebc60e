"""The life of an alert: opened, worsened, acknowledged, snoozed, woken, recovered, resolved.

An alert changes when its condition does, or when a person says so; every change is one row of
``quality.alert_event``, and only these are told. Judging the same conditions again changes nothing.
"""

import datetime as dt
from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from eduplan.contract import Contract
from eduplan.errors import EduplanError
from eduplan.quality.alerts.conditions import KINDS, Condition, Kind, collect, statement

SEVERITIES = ("info", "warning", "critical")
ALIVE = ("open", "acknowledged", "snoozed")


@dataclass(frozen=True)
class Event:
    """One change of one alert, as written to ``quality.alert_event``."""

    alert_id: int
    event: str
    kind: str
    severity: str
    title: str


@dataclass(frozen=True)
class Refreshed:
    """What judging every condition again changed.

    ``unjudged`` says of each kind that could not be judged why; its alerts stay as they were.
    """

    events: tuple[Event, ...]
    conditions: int
    unjudged: Mapping[str, str]


def refresh(
    conn: psycopg.Connection[Any],
    contracts: Mapping[str, Contract],
    plan_version: str,
    today: dt.date,
    now: dt.datetime,
) -> Refreshed:
    """Judge every kind of condition and bring the alerts up to date; commits.

    Deadlines are counted to ``today``; waiting, which is real, to ``now`` (with a time zone).
    """
    found = collect(conn, contracts, plan_version, today, now)
    events = update(conn, found.conditions, now, kinds=found.judged)
    return Refreshed(tuple(events), len(found.conditions), found.failures)


def update(
    conn: psycopg.Connection[Any],
    conditions: Sequence[Condition],
    now: dt.datetime,
    *,
    kinds: Collection[str] | None = None,
    actor: str = "eduplan",
) -> list[Event]:
    """Compare ``conditions`` with the alerts and write what changed, in one transaction.

    ``kinds`` are those that were judged (default: all); alerts of others are left alone, so that
    a table that cannot be read does not look like a recovery. Returns the events: none when nothing
    changed. Two updates never overlap: the second waits.
    """
    judged = frozenset(KINDS if kinds is None else kinds)
    current = {condition.dedupe_key: condition for condition in conditions}
    if len(current) != len(conditions):
        keys = [condition.dedupe_key for condition in conditions]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        raise EduplanError(f"two conditions have the same key: {', '.join(twice)}")
    with conn.transaction(), conn.cursor(row_factory=dict_row) as cur:
        cur.execute("select pg_advisory_xact_lock(hashtextextended('eduplan.alerts', 0))")
        cur.execute(statement("latest"), {"kinds": sorted(judged)})
        latest = {row["dedupe_key"]: row for row in cur.fetchall()}
        book = _Book(cur, now, actor)
        for key, condition in current.items():
            if condition.kind in judged:
                _hold(book, condition, latest.get(key))
        for key, alert in latest.items():
            if key not in current:
                _gone(book, alert)
    return book.events


def acknowledge(
    conn: psycopg.Connection[Any], ids: Sequence[int], actor: str, why: str, now: dt.datetime
) -> list[Event]:
    """Say that somebody is on it: told again only if it worsens. All of ``ids`` or none."""
    return _decide(conn, ids, "acknowledged", "acknowledged", ("open", "snoozed"), actor, why, now)


def snooze(
    conn: psycopg.Connection[Any],
    ids: Sequence[int],
    until: dt.datetime,
    actor: str,
    why: str,
    now: dt.datetime,
) -> list[Event]:
    """Keep silent until ``until`` unless the severity rises. All of ``ids`` or none."""
    if until <= now:
        raise EduplanError(
            f"a snooze until {until:%Y-%m-%d %H:%M} is over already", hint="name a later time"
        )
    return _decide(conn, ids, "snoozed", "snoozed", ALIVE, actor, why, now, until)


def resolve(
    conn: psycopg.Connection[Any], ids: Sequence[int], actor: str, why: str, now: dt.datetime
) -> list[Event]:
    """Close alerts by a person's decision, which needs a reason. All of ``ids`` or none.

    A condition that goes on opens no new alert until it worsens, or was gone once.
    """
    if not why.strip():
        raise EduplanError("closing an alert needs a reason", hint="give it with --why")
    return _decide(conn, ids, "resolved", "resolved", ALIVE, actor, why, now)


def _decide(
    conn: psycopg.Connection[Any],
    ids: Sequence[int],
    event: str,
    status: str,
    allowed: Collection[str],
    actor: str,
    why: str,
    now: dt.datetime,
    until: dt.datetime | None = None,
) -> list[Event]:
    with conn.transaction(), conn.cursor(row_factory=dict_row) as cur:
        cur.execute("select pg_advisory_xact_lock(hashtextextended('eduplan.alerts', 0))")
        found = {
            row["alert_id"]: row
            for row in cur.execute(
                "select alert_id, kind, severity, title, magnitude, status from quality.alert"
                " where alert_id = any(%s)",
                (list(ids),),
            )
        }
        book = _Book(cur, now, actor)
        for alert_id in dict.fromkeys(ids):
            alert = found.get(alert_id)
            if alert is None:
                raise EduplanError(
                    f"there is no alert {alert_id}", hint="see `eduplan alerts list`"
                )
            if alert["status"] not in allowed:
                raise EduplanError(
                    f"alert {alert_id} is {alert['status']}: it cannot be {event}",
                    hint="`eduplan alerts show` tells its history; nothing was changed",
                )
            book.change(alert, event, status, why, until)
    return book.events


def _hold(book: "_Book", condition: Condition, alert: dict[str, Any] | None) -> None:
    """Write what follows from a condition that holds; ``alert`` is the last one of its key."""
    if alert is None or alert["status"] == "recovered" or alert["gone_at"] is not None:
        book.open(condition)
        return
    kind = KINDS[condition.kind]
    graver = _rank(condition.severity) > _rank(alert["told_severity"])
    worse = graver or _grown(kind, float(alert["told_magnitude"]), condition.magnitude)
    if alert["status"] == "resolved":
        if worse:
            book.open(condition, "worse than when it was resolved")
        return
    book.refresh(alert["alert_id"], condition)
    snoozed = alert["status"] == "snoozed"
    if snoozed and alert["snoozed_until"] <= book.now:
        book.change(alert | vars(condition), "woken", "open")
    elif graver if snoozed else worse:
        book.change(alert | vars(condition), "worsened", "open")


def _gone(book: "_Book", alert: Mapping[str, Any]) -> None:
    """Write what follows from a condition that does not hold any more."""
    if alert["status"] in ALIVE:
        book.change(alert, "recovered", "recovered")
    elif alert["gone_at"] is None:
        book.cur.execute(statement("gone"), {"alert": alert["alert_id"], "now": book.now})


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity)


def _grown(kind: Kind, told: float, magnitude: float) -> bool:
    """Tell whether a magnitude passed a step of its kind since it was told."""
    if kind.steps:
        return bisect_right(kind.steps, magnitude) > bisect_right(kind.steps, told)
    return magnitude >= 2 * told and magnitude - told >= kind.least_growth


class _Book:
    """The statements of one change, and the events they made."""

    def __init__(self, cur: psycopg.Cursor[dict[str, Any]], now: dt.datetime, actor: str) -> None:
        self.cur, self.now, self.actor = cur, now, actor
        self.events: list[Event] = []

    def open(self, condition: Condition, note: str = "") -> None:
        row = self.cur.execute(statement("open"), _values(condition, self.now)).fetchone()
        assert row is not None  # noqa: S101  an insert returns its row
        self.write(vars(condition) | row, "opened", note)

    def refresh(self, alert_id: int, condition: Condition) -> None:
        self.cur.execute(statement("refresh"), _values(condition, self.now) | {"alert": alert_id})

    def change(
        self,
        alert: Mapping[str, Any],
        event: str,
        status: str,
        note: str = "",
        until: dt.datetime | None = None,
    ) -> None:
        self.cur.execute(
            statement("change"),
            {"alert": alert["alert_id"], "event": event, "status": status, "until": until,
             "now": self.now, "actor": self.actor},
        )  # fmt: skip
        self.write(alert, event, note)

    def write(self, alert: Mapping[str, Any], event: str, note: str) -> None:
        self.cur.execute(
            statement("event"),
            {"alert": alert["alert_id"], "event": event, "severity": alert["severity"],
             "magnitude": alert["magnitude"], "actor": self.actor, "note": note, "now": self.now},
        )  # fmt: skip
        self.events.append(
            Event(alert["alert_id"], event, alert["kind"], alert["severity"], alert["title"])
        )


def _values(condition: Condition, now: dt.datetime) -> dict[str, Any]:
    return vars(condition) | {
        "dedupe_key": condition.dedupe_key,
        "runbook": condition.runbook,
        "indicators": list(condition.indicators),
        "now": now,
    }
