"""Sends what changed about alerts to those who must know: once, in their hours, to the end.

A message is sent, then marked. If the process dies between the two, the next run sends it once
more; whatever else happens, nothing is sent twice. What a failing channel could not send waits
until it works or leaves alerts.yaml; then it goes where the routes of that day send it.
"""

import csv
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from eduplan.connections import Resolver, from_environment
from eduplan.errors import EduplanError
from eduplan.quality.alerts import routes as routing
from eduplan.quality.alerts.conditions import KINDS
from eduplan.quality.alerts.message import Message, Told, Words, compose
from eduplan.quality.alerts.routes import Channel, Occurrence, Routes
from eduplan.settings import Settings
from eduplan.warehouse import session_lock

DEAD_AFTER = 3
"""A channel that failed so often in a row is an alert."""
_LONGEST_WAIT = dt.timedelta(hours=1)
_LOG_BYTES = 1_000_000


@dataclass(frozen=True)
class Delivered:
    """What one run did: pairs of event and channel, and the messages they became."""

    planned: int = 0
    sent: int = 0
    messages: int = 0
    failed: int = 0
    """Tried in this run and not accepted; tried again later."""
    pending: int = 0
    """Waiting for their hour, the digest or the next try."""

    def __add__(self, other: "Delivered") -> "Delivered":
        names = [field.name for field in fields(self)]
        return Delivered(*(getattr(self, name) + getattr(other, name) for name in names))


def deliver(
    settings: Settings,
    conn: psycopg.Connection[Any],
    now: dt.datetime,
    resolve: Resolver = from_environment,
) -> Delivered:
    """Plan and send everything that is due at ``now`` (aware); commits ``conn``.

    A channel that fails never stops the others and never raises: it is tried again later and,
    failing on, becomes an alert. Runs at the same time wait for each other. Raises RoutesError
    only when alerts.yaml cannot be used.
    """
    routes = routing.read(settings)
    with session_lock(conn, "alert delivery"):
        done = Delivered(planned=_plan(conn, routes, now))
        conn.commit()
        for channel in routes.channels.values():
            done += _tell(settings, conn, routes, channel, now, resolve)
        row = conn.execute(
            "select count(*) from quality.alert_delivery where status = 'pending'"
        ).fetchone()
        conn.commit()
    return done + Delivered(pending=row[0] if row else 0)


def send(url: str, title: str, body: str, attach: Sequence[Path] = ()) -> None:
    """Send one Markdown message through the Apprise ``url``, with files where the service can.

    Raises DeliveryError, which never quotes the address, unless the service accepted it.
    """
    from eduplan.quality.alerts.services import Service

    Service(url).send(title, body, attach)


def try_channel(
    settings: Settings, name: str, now: dt.datetime, resolve: Resolver = from_environment
) -> None:
    """Send one test message through a channel of alerts.yaml, whatever its hours.

    Raises EduplanError with what is wrong with the channel.
    """
    routes = routing.read(settings)
    if name not in routes.channels:
        raise EduplanError(
            f"alerts.yaml has no channel {name!r}",
            hint=f"its channels are: {', '.join(routes.channels)}",
        )
    stamp = now.astimezone(routes.channels[name].timezone)
    text = f"这是一条测试消息（{stamp:%Y-%m-%d %H:%M}），说明渠道 {name} 可用，无需处理。"
    _Line(settings, routes.channels[name], resolve, now).send("eduplan 告警测试", text)


class _Line:
    """An open channel: the log file or a service of Apprise."""

    def __init__(
        self, settings: Settings, channel: Channel, resolve: Resolver, now: dt.datetime
    ) -> None:
        self._log = settings.logs_dir / "alerts.log"
        self._now = now.astimezone(channel.timezone)
        self._service = None
        self.max_bytes = _LOG_BYTES
        if not channel.is_log:
            from eduplan.quality.alerts.services import Service

            self._service = Service(channel.address(resolve))
            self.max_bytes = self._service.max_bytes

    def send(self, title: str, body: str) -> None:
        if self._service is not None:
            self._service.send(title, body)
            return
        lines = [f"{self._now:%Y-%m-%d %H:%M:%S} {title}"]
        lines += [f"    {line.rstrip()}" for line in body.splitlines() if line.strip()]
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("a", encoding="utf-8") as log:
            log.write("\n".join(lines) + "\n")


def _plan(conn: psycopg.Connection[Any], routes: Routes, now: dt.datetime) -> int:
    """Give every new event its deliveries; return how many. An event is planned once.

    What waits for a channel that left alerts.yaml is planned again by the routes of today.
    """
    names = list(routes.channels)
    conn.execute(_sql("forget_channels"), {"channels": names})
    with conn.cursor(row_factory=dict_row) as cur:
        events = cur.execute(_sql("unplanned"), {"channels": names}).fetchall()
    rows: list[dict[str, Any]] = []
    for event in events:
        found = Occurrence(
            event["event"],
            event["kind"],
            event["severity"],
            event["dedupe_key"],
            event["owner"],
            event["dataset"],
            event["region_code"],
            tuple(event["indicator_codes"]),
        )
        common = {"event_id": event["event_id"]}
        planned = [common | vars(p) | {"status": "pending"} for p in routes.plan(found, now)]
        nowhere = {"route": "", "channel": "", "due_at": now, "digest_of": None}
        rows += planned or [common | nowhere | {"status": "unrouted"}]
    with conn.cursor() as cur:
        cur.executemany(_sql("plan"), rows)
    conn.execute(_sql("drop_orphans"), {"channels": names})
    return sum(row["status"] == "pending" for row in rows)


def _tell(
    settings: Settings,
    conn: psycopg.Connection[Any],
    routes: Routes,
    channel: Channel,
    now: dt.datetime,
    resolve: Resolver,
) -> Delivered:
    """Send what is due on one channel; stop at its first failure."""
    with conn.cursor(row_factory=dict_row) as cur:
        due = cur.execute(_sql("due"), {"channel": channel.name, "now": now}).fetchall()
    due = [row for row in due if channel.open_from(now, row["severity"]) <= now]
    conn.commit()
    if not due:
        return Delivered()
    sent = messages = 0
    try:
        line = _Line(settings, channel, resolve, now)
    except EduplanError as error:
        deliveries = [row["delivery_id"] for row in due]
        _attempt(conn, deliveries)
        _failed(conn, channel, deliveries, error, now)
        return Delivered(failed=len(deliveries))
    for message in _messages(settings, conn, routes, due, line.max_bytes):
        deliveries = list(message.deliveries)
        _attempt(conn, deliveries)
        try:
            line.send(message.title, message.body)
        except Exception as error:  # whatever it is, the other channels go on
            _failed(conn, channel, deliveries, error, now)
            return Delivered(sent=sent, messages=messages, failed=len(deliveries))
        conn.execute(_sql("sent"), {"deliveries": deliveries, "now": now})
        conn.execute(_sql("channel_works"), {"channel": channel.name, "now": now})
        conn.commit()
        sent += len(deliveries)
        messages += 1
    return Delivered(sent=sent, messages=messages)


def _messages(
    settings: Settings,
    conn: psycopg.Connection[Any],
    routes: Routes,
    due: list[dict[str, Any]],
    max_bytes: int,
) -> list[Message]:
    """Compose what is due: one message at once, one a digest, an alert once in each.

    What failed before stands apart from what is new, and in halves that alternate from the third
    failure on: a service that refuses one alert for its words does not keep the others back.
    """
    counts: dict[str, int] = dict(conn.execute(_sql("open_alerts")).fetchall())
    conn.commit()
    alerts: dict[tuple[str, dt.date | None, int], list[dict[str, Any]]] = {}
    for row in due:
        key = (routes.lang(row["route"]), row["digest_of"], row["alert_id"])
        alerts.setdefault(key, []).append(row)
    groups: dict[tuple[int, int, str, dt.date | None], list[Told]] = {}
    for number, ((lang, digest_of, _), events) in enumerate(alerts.items()):
        attempts = max(row["attempts"] for row in events)
        half = number % 2 if attempts >= DEAD_AFTER else 0
        groups.setdefault((attempts, half, lang, digest_of), []).append(_told(events))
    messages: list[Message] = []
    for (_, _, lang, digest_of), told in sorted(groups.items(), key=lambda group: group[0][:2]):
        words = Words(_indicator_names(settings, lang), counts, routes.runbook_url, lang)
        messages += compose(told, words, max_bytes, digest_of)
    return messages


def _told(events: list[dict[str, Any]]) -> Told:
    """Return the last state of an alert that several due events may speak of."""
    last = events[-1]
    return Told(
        alert_id=last["alert_id"],
        deliveries=tuple(row["delivery_id"] for row in events),
        event=last["event"],
        severity=last["severity"],
        title=last["title"],
        detail=last["detail"],
        what_to_do=last["what_to_do"],
        runbook=last["runbook"],
        owner=last["owner"],
        dataset=last["dataset"],
        period=last["period"],
        indicators=tuple(last["indicator_codes"]),
        magnitude=last["magnitude"],
        unit=KINDS[last["kind"]].unit if last["kind"] in KINDS else "",
        before=last["told_magnitude"],
    )


def _attempt(conn: psycopg.Connection[Any], deliveries: list[int]) -> None:
    """Count the attempt before it is made, so that one that kills the process is seen."""
    conn.execute(
        "update quality.alert_delivery set attempts = attempts + 1"
        " where delivery_id = any(%(deliveries)s)",
        {"deliveries": deliveries},
    )
    conn.commit()


def _failed(
    conn: psycopg.Connection[Any],
    channel: Channel,
    deliveries: list[int],
    error: Exception,
    now: dt.datetime,
) -> None:
    """Record the failure, put the channel's next try off, raise the alert of a dead channel."""
    text = str(error) if isinstance(error, EduplanError) else type(error).__name__
    conn.execute(
        "update quality.alert_delivery set error = %(error)s"
        " where delivery_id = any(%(deliveries)s)",
        {"deliveries": deliveries, "error": text},
    )
    row = conn.execute(
        _sql("channel_fails"), {"channel": channel.name, "error": text, "now": now}
    ).fetchone()
    failures = int(row[0]) if row else 1
    wait = min(dt.timedelta(minutes=2 ** min(failures - 1, 10)), _LONGEST_WAIT)
    conn.execute(
        "update quality.alert_channel set retry_at = %(retry)s where channel = %(channel)s",
        {"channel": channel.name, "retry": now + wait},
    )
    if failures >= DEAD_AFTER:
        conn.execute(
            _sql("raise_dead_channel"),
            {"channel": channel.name, "failures": failures, "error": text, "now": now},
        )
    conn.commit()


def _indicator_names(settings: Settings, lang: str) -> dict[str, str]:
    """Return each indicator's name in one language, from the seed that defines them."""
    seed = settings.dbt_dir / "seeds" / "indicator.csv"
    if not seed.is_file():
        return {}
    with seed.open(encoding="utf-8", newline="") as handle:
        return {
            row["indicator_code"]: row[f"indicator_name_{lang}"] for row in csv.DictReader(handle)
        }


def _sql(name: str) -> bytes:
    return (resources.files("eduplan") / "sql" / "delivery" / f"{name}.sql").read_bytes()
