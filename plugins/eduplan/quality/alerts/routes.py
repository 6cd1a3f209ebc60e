"""Who is told what, where and when: ``alerts.yaml``, read with the line of every mistake."""

import datetime as dt
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from eduplan.connections import Resolver
from eduplan.errors import EduplanError
from eduplan.quality.alerts.conditions import KINDS
from eduplan.settings import Settings

LOG = "log"
"""The address of the channel that writes to ``logs/alerts.log`` below EDUPLAN_HOME."""

DEAD_CHANNEL = "dead_channel"

SEVERITIES = ("critical", "warning", "info")
EVENTS = ("opened", "worsened", "woken", "recovered", "acknowledged", "snoozed", "resolved")
TOLD = EVENTS[:4]
"""Events routes tell of unless they name others: what a person did, that person knows."""

_MATCHED = ("kind", "severity", "owner", "dataset", "region", "indicators", "event")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class RoutesError(EduplanError):
    """alerts.yaml cannot be used; the message lists every mistake with its line."""


@dataclass(frozen=True)
class Channel:
    """One way to somebody: the name of a secret address, and when it is quiet."""

    name: str
    variable: str | None = None
    """Environment variable that holds the Apprise URL."""
    connection: str | None = None
    """Airflow connection whose password is the Apprise URL."""
    quiet: tuple[dt.time, dt.time] | None = None
    """From, to; over midnight when to is earlier."""
    critical_in_quiet_hours: bool = False
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))

    @property
    def is_log(self) -> bool:
        """Whether it writes to the log file."""
        return self.variable is None and self.connection is None

    def address(self, resolve: Resolver) -> str:
        """Return the Apprise URL, a secret; raises EduplanError when it is not defined."""
        if self.is_log:
            return LOG
        if self.connection is not None:
            url = resolve(self.connection).password
            if not url:
                raise EduplanError(
                    f"connection {self.connection!r} has no password",
                    hint="the password of the connection is the Apprise URL",
                )
            return url
        url = os.environ.get(self.variable or "", "").strip()
        if not url:
            raise EduplanError(
                f"{self.variable} is not set", hint="set it to the Apprise URL of the channel"
            )
        return url

    def open_from(self, moment: dt.datetime, severity: str) -> dt.datetime:
        """Return ``moment``, or the end of the quiet hours it falls into."""
        if self.quiet is None or (severity == "critical" and self.critical_in_quiet_hours):
            return moment
        start, end = self.quiet
        local = moment.astimezone(self.timezone)
        time = local.time().replace(tzinfo=None)
        over_midnight = start > end
        inside = (time >= start or time < end) if over_midnight else start <= time < end
        if not inside:
            return moment
        day = local.date() + dt.timedelta(days=1 if over_midnight and time >= start else 0)
        return dt.datetime.combine(day, end, self.timezone).astimezone(dt.UTC)


@dataclass(frozen=True)
class Occurrence:
    """What a route looks at: an alert and what happened to it."""

    event: str
    kind: str
    severity: str
    dedupe_key: str
    owner: str = ""
    dataset: str | None = None
    region: str | None = None
    indicators: tuple[str, ...] = ()

    @property
    def channel(self) -> str | None:
        """The channel a dead-channel alert speaks of: its key ends with the name."""
        return self.dedupe_key.rsplit(":", 1)[-1] if self.kind == DEAD_CHANNEL else None


@dataclass(frozen=True)
class Route:
    """Which events go to which channels, at once or in a daily digest."""

    name: str
    channels: tuple[str, ...]
    match: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mode: str | None = None
    """``immediate`` or ``digest``; None: critical at once, the others in the digest."""
    at: dt.time | None = None
    lang: str = "zh"

    def wants(self, found: Occurrence) -> bool:
        """Whether every condition holds; ``*`` and ``?`` stand for any characters."""
        if found.event not in self.match.get("event", TOLD):
            return False
        values = {
            "kind": (found.kind,),
            "severity": (found.severity,),
            "owner": (found.owner,),
            "dataset": (found.dataset or "",),
            "region": (found.region or "",),
            "indicators": found.indicators,
        }
        return all(
            any(fnmatchcase(value, pattern) for value in values[name] for pattern in patterns)
            for name, patterns in self.match.items()
            if name != "event"
        )

    def is_digest(self, severity: str) -> bool:
        """Whether an event of this severity waits for the digest."""
        return self.mode == "digest" if self.mode else severity != "critical"


@dataclass(frozen=True)
class Planned:
    """One event on one channel: when it is due, and in the digest of which day."""

    route: str
    channel: str
    due_at: dt.datetime
    digest_of: dt.date | None = None


@dataclass(frozen=True)
class Routes:
    """The whole of alerts.yaml."""

    channels: Mapping[str, Channel]
    routes: tuple[Route, ...]
    digest_at: dt.time
    senders: Mapping[str, str] = field(default_factory=dict)
    """Sender code → environment variable with the Apprise URL of that sender."""
    runbook_url: str = ""

    def plan(self, found: Occurrence, now: dt.datetime) -> list[Planned]:
        """Return where and when ``found`` is told; a channel is told once, by its first route.

        A dead channel is told at once on every other channel, whatever the routes say.
        """
        if found.kind == DEAD_CHANNEL and found.event in TOLD:
            return [
                Planned(DEAD_CHANNEL, name, channel.open_from(now, found.severity))
                for name, channel in self.channels.items()
                if name != found.channel
            ]
        planned: dict[str, Planned] = {}
        for route in self.routes:
            if route.wants(found):
                for name in route.channels:
                    planned.setdefault(name, self._planned(route, name, found.severity, now))
        return list(planned.values())

    def _planned(self, route: Route, name: str, severity: str, now: dt.datetime) -> Planned:
        channel = self.channels[name]
        if not route.is_digest(severity):
            return Planned(route.name, name, channel.open_from(now, severity))
        at = route.at or self.digest_at
        local = now.astimezone(channel.timezone)
        day = local.date() + dt.timedelta(days=1 if local.time().replace(tzinfo=None) > at else 0)
        digest = dt.datetime.combine(day, at, channel.timezone).astimezone(dt.UTC)
        return Planned(route.name, name, channel.open_from(digest, severity), day)

    def lang(self, route: str) -> str:
        """Language of a route's messages; Chinese when the route is gone."""
        return next((r.lang for r in self.routes if r.name == route), "zh")

    def sender_url(self, code: str) -> str | None:
        """Return the Apprise URL of a sender, a secret; None: its outbox only.

        Raises EduplanError when alerts.yaml names a variable that is not set.
        """
        variable = self.senders.get(code)
        if variable is None:
            return None
        url = os.environ.get(variable, "").strip()
        if not url:
            raise EduplanError(
                f"{variable}, the address of sender {code}, is not set",
                hint="set it to an Apprise URL, or take the sender out of alerts.yaml",
            )
        return url


def path_of(settings: Settings) -> Path:
    """Return the file of the routes: the setting's, the home's, else the project's."""
    if settings.alerts_file is not None:
        return settings.alerts_file
    own = settings.home / "alerts.yaml"
    return own if own.is_file() else settings.project_dir / "alerts.yaml"


def read(settings: Settings) -> Routes:
    """Read the routes of this installation. Raises RoutesError with every mistake."""
    return load(path_of(settings))


def load(path: Path) -> Routes:
    """Read one routes file. Raises RoutesError with the line and the fix of every mistake."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except FileNotFoundError:
        raise RoutesError(
            f"{path} does not exist", hint="copy alerts.yaml of the project, or unset the setting"
        ) from None
    except (yaml.MarkedYAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        what = getattr(error, "problem", None) or "is not UTF-8"
        raise RoutesError(f"{path}:{line}: {what}", hint="mend the YAML") from None
    reader = _Reader(path)
    routes = reader.routes(node)
    if reader.mistakes:
        raise RoutesError("\n".join(reader.mistakes), hint="docs/alerting.md has every key")
    return routes


class _Reader:
    """Walks the nodes of the file, which know their lines, and collects mistakes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.mistakes: list[str] = []

    def wrong(self, node: yaml.Node, message: str) -> None:
        self.mistakes.append(f"{self.path}:{node.start_mark.line + 1}: {message}")

    def routes(self, root: yaml.Node | None) -> Routes:
        top = self._mapping(root, "the file") if root is not None else {}
        known = ("timezone", "digest_at", "runbook_url", "channels", "routes", "senders")
        self._only(top, known, "the file")
        zone = self._one(top, "timezone", self._zone) or ZoneInfo("Asia/Shanghai")
        channels: dict[str, Channel] = {}
        for key, node in self._mapping(top.get("channels"), "channels").items():
            if not _NAME.fullmatch(key):
                self.wrong(node, f"channel name {key!r}: use a-z, 0-9, - and _")
            channels[key] = self._channel(key, node, zone)
        routes: list[Route] = []
        for node in self._items(top.get("routes"), "routes"):
            route = self._route(node, channels)
            if route.name in {r.name for r in routes}:
                self.wrong(node, f"a second route named {route.name!r}: give it another name")
            routes.append(route)
        if root is None or "channels" not in top or "routes" not in top:
            self.mistakes.append(f"{self.path}:1: needs both channels: and routes:")
        senders = {
            code: self._sender(code, node)
            for code, node in self._mapping(top.get("senders"), "senders").items()
        }
        return Routes(
            channels,
            tuple(routes),
            self._one(top, "digest_at", self._time) or dt.time(8, 30),
            senders,
            self._one(top, "runbook_url", self._text) or "",
        )

    def _channel(self, name: str, node: yaml.Node, zone: ZoneInfo) -> Channel:
        given = self._mapping(node, f"channel {name}")
        self._only(
            given,
            ("url", "connection", "quiet_hours", "critical_in_quiet_hours", "timezone"),
            f"channel {name}",
        )
        url = self._one(given, "url", self._text)
        connection = self._one(given, "connection", self._text)
        variable = None
        if (url is None) == (connection is None):
            self.wrong(node, f"channel {name} needs either url: or connection:")
        elif url is not None and url != LOG:
            found = _VARIABLE.fullmatch(url)
            if found is None:  # the text may be a secret and is not repeated
                self.wrong(
                    given["url"],
                    f"url of channel {name}: write log, or ${{NAME}} and set the environment"
                    " variable NAME to the address; an address is a secret and stays out of files",
                )
            variable = found.group(1) if found else ""
        return Channel(
            name,
            variable,
            connection,
            self._one(given, "quiet_hours", self._hours),
            bool(self._one(given, "critical_in_quiet_hours", self._flag)),
            self._one(given, "timezone", self._zone) or zone,
        )

    def _route(self, node: yaml.Node, channels: Mapping[str, Channel]) -> Route:
        given = self._mapping(node, "a route")
        name = self._one(given, "name", self._text) or ""
        if not name:
            self.wrong(node, "a route needs a name:")
        self._only(given, ("name", "match", "channels", "mode", "at", "lang"), f"route {name}")
        match: dict[str, tuple[str, ...]] = {}
        conditions = self._mapping(given.get("match"), f"match of route {name}")
        self._only(conditions, _MATCHED, f"match of route {name}")
        allowed = {"kind": sorted(KINDS), "severity": SEVERITIES, "event": EVENTS}
        for key, value in conditions.items():
            match[key] = tuple(self._texts(value))
            for pattern in match[key]:
                if key in allowed and not any(fnmatchcase(v, pattern) for v in allowed[key]):
                    self.wrong(value, f"{key} {pattern!r} is none of: {', '.join(allowed[key])}")
        if "event" in match:
            match["event"] = tuple(
                event for event in EVENTS if any(fnmatchcase(event, p) for p in match["event"])
            )
        named = tuple(self._texts(given["channels"])) if "channels" in given else ()
        if not named:
            self.wrong(node, f"route {name} needs channels: [name, …]")
        for channel in named:
            if channel not in channels:
                self.wrong(
                    given["channels"],
                    f"route {name}: no channel is named {channel!r};"
                    f" there are: {', '.join(channels) or 'none'}",
                )
        mode = self._one(given, "mode", self._choice("immediate", "digest"))
        at = self._one(given, "at", self._time)
        if at is not None and mode == "immediate":
            self.wrong(given["at"], f"route {name}: at: belongs to mode: digest; take one out")
        lang = self._one(given, "lang", self._choice("zh", "en")) or "zh"
        return Route(name, named, match, mode, at, lang)

    def _sender(self, code: str, node: yaml.Node) -> str:
        variable = self._text(node) or ""
        found = _VARIABLE.fullmatch(variable)
        variable = found.group(1) if found else variable
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable):
            self.wrong(
                node,
                f"sender {code}: write the name of an environment variable that holds the"
                " Apprise URL; an address is a secret and stays out of files",
            )
        return variable

    def _mapping(self, node: yaml.Node | None, what: str) -> dict[str, yaml.Node]:
        if node is None or self._is_null(node):
            return {}
        if not isinstance(node, yaml.MappingNode):
            self.wrong(node, f"{what} must be a mapping (key: value)")
            return {}
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.wrong(key, f"{what}: a key must be a word")
            elif key.value in found:
                self.wrong(key, f"{what} has {key.value!r} twice: take one out")
            else:
                found[key.value] = value
        return found

    def _items(self, node: yaml.Node | None, what: str) -> Sequence[yaml.Node]:
        if node is None or self._is_null(node):
            return ()
        if not isinstance(node, yaml.SequenceNode):
            self.wrong(node, f"{what} must be a list (- …)")
            return ()
        items: Sequence[yaml.Node] = node.value
        return items

    def _texts(self, node: yaml.Node) -> list[str]:
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        return [text for text in map(self._text, nodes) if text]

    def _only(self, given: Mapping[str, yaml.Node], known: Sequence[str], what: str) -> None:
        for key, node in given.items():
            if key not in known:
                self.wrong(node, f"{what} knows no {key!r}; it knows: {', '.join(known)}")

    def _one(
        self, given: Mapping[str, yaml.Node], key: str, parse: Callable[[yaml.Node], Any]
    ) -> Any:
        return parse(given[key]) if key in given and not self._is_null(given[key]) else None

    def _text(self, node: yaml.Node) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self.wrong(node, "one word or text is expected here")
            return None
        return str(node.value)

    def _flag(self, node: yaml.Node) -> bool:
        if node.tag != "tag:yaml.org,2002:bool":
            self.wrong(node, "true or false is expected here")
        return self._text(node) in ("true", "True", "yes", "on")

    def _zone(self, node: yaml.Node) -> ZoneInfo | None:
        name = self._text(node) or ""
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            self.wrong(node, f"{name!r} is no time zone: write one such as Asia/Shanghai")
            return None

    def _time(self, node: yaml.Node) -> dt.time | None:
        found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", self._text(node) or "")
        if found is None:
            self.wrong(node, 'a time of the day is expected here, such as "08:30"')
            return None
        return dt.time(int(found[1]), int(found[2]))

    def _hours(self, node: yaml.Node) -> tuple[dt.time, dt.time] | None:
        found = re.fullmatch(
            r"([01]?\d|2[0-3]):([0-5]\d) *- *([01]?\d|2[0-3]):([0-5]\d)", self._text(node) or ""
        )
        if found is None or (found[1], found[2]) == (found[3], found[4]):
            self.wrong(node, 'quiet hours are written such as "21:30-07:00"')
            return None
        return dt.time(int(found[1]), int(found[2])), dt.time(int(found[3]), int(found[4]))

    def _choice(self, *allowed: str) -> Callable[[yaml.Node], str | None]:
        def parse(node: yaml.Node) -> str | None:
            text = self._text(node)
            if text not in allowed:
                self.wrong(node, f"{text!r} is none of: {', '.join(allowed)}")
                return None
            return text

        return parse

    @staticmethod
    def _is_null(node: yaml.Node) -> bool:
        return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"
