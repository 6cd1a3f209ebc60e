"""Where a source is and how to get in: Airflow connections, resolved outside the core.

A contract names a connection id. The DAG layer looks it up in Airflow (UI, environment, secrets
backend); the command line reads the same ``AIRFLOW_CONN_<ID>`` variables. Nothing here logs one.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from eduplan.errors import SourceError


@dataclass(frozen=True)
class Connection:
    """One resolved connection; ``extra`` holds what has no field, e.g. a token path."""

    conn_id: str
    conn_type: str
    host: str = ""
    port: int | None = None
    login: str = ""
    password: str = field(default="", repr=False)
    schema: str = ""
    """Database, bucket or folder."""
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)


FILE = "connections.env"
"""Below EDUPLAN_HOME: lines NAME=URI (mode 0600), read where the environment has no such name."""

Resolver = Callable[[str], Connection]
"""Turns a connection id into a Connection; raises SourceError when there is none."""


def variable(conn_id: str) -> str:
    """Name of the environment variable that holds a connection, as Airflow spells it."""
    return f"AIRFLOW_CONN_{conn_id.upper()}"


def from_file(path: Path) -> dict[str, str]:
    """Read the ``AIRFLOW_CONN_…`` lines of a connections file; nothing when there is none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.partition("=") for line in lines if line.startswith("AIRFLOW_CONN_"))
    return {name: value for name, _, value in pairs}


def use_file(path: Path) -> None:
    """Put what `from_file` reads into the environment; names that are set there stay."""
    for name, value in from_file(path).items():
        os.environ.setdefault(name, value)


def from_environment(conn_id: str) -> Connection:
    """Read ``AIRFLOW_CONN_<ID>``, a URI or JSON as Airflow takes them.

    Raises SourceError naming the variable when it is missing or cannot be read.
    """
    text = os.environ.get(variable(conn_id))
    if not text:
        raise SourceError(
            f"connection {conn_id!r} is not defined",
            hint=f"set {variable(conn_id)} to a URI, or define it in Airflow",
        )
    try:
        return _from_json(conn_id, text) if text.lstrip().startswith("{") else _uri(conn_id, text)
    except ValueError:
        # The text has a password in it and is never quoted.
        raise SourceError(
            f"connection {conn_id!r} cannot be read",
            hint=f"{variable(conn_id)} must be a URI such as http://user:password@host:port/path",
        ) from None


def _from_json(conn_id: str, text: str) -> Connection:
    value = json.loads(text)
    extra = value.get("extra") or {}
    if isinstance(extra, str):
        extra = json.loads(extra)
    return Connection(
        conn_id,
        str(value.get("conn_type") or ""),
        str(value.get("host") or ""),
        int(value["port"]) if value.get("port") else None,
        str(value.get("login") or ""),
        str(value.get("password") or ""),
        str(value.get("schema") or ""),
        extra,
    )


def _uri(conn_id: str, text: str) -> Connection:
    parts = urlsplit(text)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    packed = query.pop("__extra__", None)
    extra: dict[str, Any] = {**query, **(json.loads(packed) if packed else {})}
    return Connection(
        conn_id,
        parts.scheme.replace("-", "_"),
        unquote(parts.hostname or ""),
        parts.port,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        unquote(parts.path[1:]),
        extra,
    )
