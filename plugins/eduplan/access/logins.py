"""Who may read: group roles of an installation, and its logins as ``access.yaml`` names them."""

import csv
import datetime as dt
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from eduplan.errors import EduplanError
from eduplan.postgres import write_private
from eduplan.settings import Settings

CITY_WIDE = ("steward", "analyst", "bi")
COUNTY = "county"
PASSWORDS = "access.json"  # noqa: S105  the name of a file
"""Below EDUPLAN_HOME, mode 0600: login -> password, made once."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
_TIMEOUT = re.compile(r"[1-9][0-9]*(ms|s|min|h)")
_KEYS = {"role", "county", "connection_limit", "valid_until", "statement_timeout"}


class AccessError(EduplanError):
    """access.yaml cannot be used, or the server refuses what it asks; the message says why."""


@dataclass(frozen=True)
class Group:
    """A role without a login that holds the rights of its kind."""

    role: str
    kind: str
    county_codes: tuple[str, ...] | None = None
    """Regions whose rows it sees: the county's own and the city's; None: all."""
    place: str = ""
    """Chinese name of the county."""


@dataclass(frozen=True)
class Login:
    """Somebody, or something, that connects."""

    name: str
    """As in access.yaml."""
    role: str
    """As in the database."""
    group: Group
    connection_limit: int
    valid_until: dt.datetime | None
    statement_timeout: str

    @property
    def variable(self) -> str:
        """Environment variable that gives its password instead of a generated one."""
        return f"EDUPLAN_ACCESS_PASSWORD_{self.name.upper()}"


def access_path(settings: Settings) -> Path:
    """Return the file of logins: EDUPLAN_ACCESS_FILE, else the home's, else the project's."""
    own = settings.home / "access.yaml"
    return settings.access_file or (own if own.exists() else settings.project_dir / "access.yaml")


def load_groups(settings: Settings) -> tuple[Group, ...]:
    """Return the group roles: one for each kind, one for each county and city-run region."""
    prefix = settings.role_prefix
    seed = settings.dbt_dir / "seeds" / "region.csv"
    with seed.open(encoding="utf-8", newline="") as handle:
        regions = list(csv.DictReader(handle))
    city = next(row["region_code"] for row in regions if row["region_level"] == "city")
    counties = (
        Group(
            f"{prefix}_{COUNTY}_{row['region_code']}",
            COUNTY,
            (row["region_code"], city),
            row["region_name"],
        )
        for row in regions
        if row["region_level"] != "city"
    )
    return (*(Group(f"{prefix}_{kind}", kind) for kind in CITY_WIDE), *counties)


def load_logins(settings: Settings) -> tuple[Login, ...]:
    """Read the logins of an installation.

    Raises AccessError that lists every mistake of the file.
    """
    path = access_path(settings)
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AccessError(f"{path} does not exist", hint="mend EDUPLAN_ACCESS_FILE") from None
    except yaml.YAMLError as error:
        raise AccessError(f"{path} is no YAML: {' '.join(str(error).split())}") from None
    groups = load_groups(settings)
    mistakes: list[str] = []
    found = []
    if not isinstance(document, dict) or set(document) != {"logins"}:
        mistakes.append("its only key is logins")
    entries = document.get("logins") if isinstance(document, dict) else None
    for name, entry in (entries or {}).items():
        wrong = _mistakes(name, entry, groups)
        mistakes += [f"{name}: {text}" for text in wrong]
        if not wrong:
            found.append(_login(settings, name, entry, groups))
    if mistakes:
        raise AccessError(
            f"{path}: " + "; ".join(mistakes), hint="docs/access.md describes every key"
        )
    return tuple(found)


def _group(entry: Mapping[str, Any], groups: tuple[Group, ...]) -> Group | None:
    for group in groups:
        if group.kind != entry.get("role"):
            continue
        if group.county_codes is None or group.county_codes[0] == str(entry.get("county")):
            return group
    return None


def _mistakes(name: Any, entry: Any, groups: tuple[Group, ...]) -> list[str]:
    wrong = []
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        wrong.append("a name is lower-case letters, digits and _, at most 31")
    elif any(group.role.endswith(f"_{name}") for group in groups):
        wrong.append("this is the name of a group role")
    if not isinstance(entry, dict):
        return [*wrong, "a mapping is expected"]
    wrong += [f"unknown key {key}" for key in sorted(set(entry) - _KEYS)]
    kinds = (*CITY_WIDE, COUNTY)
    if entry.get("role") not in kinds:
        wrong.append(f"role is one of {', '.join(kinds)}")
    elif (entry["role"] == COUNTY) != ("county" in entry):
        wrong.append("county goes with the role county, and only with it")
    elif _group(entry, groups) is None:
        wrong.append(f"county {entry['county']} is none of the region seed, or the city itself")
    limit = entry.get("connection_limit", 5)
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= 100:
        wrong.append("connection_limit is 1 to 100")
    if not isinstance(entry.get("valid_until", dt.date.max), dt.date):
        wrong.append("valid_until is a date, YYYY-MM-DD")
    if not _TIMEOUT.fullmatch(str(entry.get("statement_timeout", "30s"))):
        wrong.append("statement_timeout is a number with ms, s, min or h")
    return wrong


def _login(
    settings: Settings, name: str, entry: Mapping[str, Any], groups: tuple[Group, ...]
) -> Login:
    group = _group(entry, groups)
    if group is None:
        raise AccessError(f"{name}: no such role")
    last = entry.get("valid_until")
    until = None
    if last is not None:  # to the end of that day in China
        until = dt.datetime.combine(
            last + dt.timedelta(days=1), dt.time(), ZoneInfo("Asia/Shanghai")
        )
    return Login(
        name,
        f"{settings.role_prefix}_{name}",
        group,
        int(entry.get("connection_limit", 5)),
        until,
        str(entry.get("statement_timeout", "30s")),
    )


def passwords(
    settings: Settings, logins: tuple[Login, ...], *, anew: frozenset[str] = frozenset()
) -> dict[str, str]:
    """Return the password of each login: its variable's, else the kept one, else a new one.

    New ones (and those of the logins in ``anew``) are kept in ``<home>/access.json``; what belongs
    to no login any more is forgotten.
    """
    path = settings.home / PASSWORDS
    try:
        kept: dict[str, str] = json.loads(path.read_text())
    except FileNotFoundError:
        kept = {}
    now, generated = {}, {}
    for login in logins:
        given = os.environ.get(login.variable, "")
        if given:
            now[login.name] = given
            continue
        usable = login.name in kept and login.name not in anew
        generated[login.name] = kept[login.name] if usable else secrets.token_urlsafe(24)
    if generated != kept:
        write_private(path, json.dumps(generated, indent=1))
    return now | generated
