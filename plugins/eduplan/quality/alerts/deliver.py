"""Sends what changed about alerts to those who must know: once, in their hours, to the end."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from eduplan.connections import Resolver, from_environment
from eduplan.errors import EduplanError
from eduplan.settings import Settings


class DeliveryError(EduplanError):
    """A message was not accepted by its service; the text never holds the address."""


@dataclass(frozen=True)
class Delivered:
    """What one run did, in event × channel pairs, and messages handed over."""

    planned: int = 0
    sent: int = 0
    messages: int = 0
    retried: int = 0
    given_up: int = 0
    pending: int = 0


def deliver(
    settings: Settings,
    conn: psycopg.Connection[Any],
    now: dt.datetime,
    resolve: Resolver = from_environment,
) -> Delivered:
    """Plan and send everything that is due at ``now`` (aware); commits ``conn``.

    A channel that fails never stops the others and never raises: it is tried again later and,
    failing on, becomes an alert. Raises RoutesError only when alerts.yaml cannot be used.
    """
    raise NotImplementedError


def send(url: str, title: str, body: str, attach: Sequence[Path] = ()) -> None:
    """Send one Markdown message through the Apprise ``url``, with files where the service can.

    Raises DeliveryError, which never quotes the address, unless the service accepted it.
    """
    raise NotImplementedError
