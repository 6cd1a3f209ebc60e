"""Held batches and the decisions on them."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from eduplan.contract import Contract


def ask(
    conn: psycopg.Connection[Any],
    contract: Contract,
    batch: Mapping[str, Any],
    reasons: Sequence[str],
    critical: int,
) -> int:
    """Open a review of a held batch unless one waits already; return its id. Does not commit."""
    raise NotImplementedError


def decision_of(conn: psycopg.Connection[Any], batch_id: int) -> str | None:
    """Return the last decision on a batch (release | release_clean | reject), None if undecided."""
    raise NotImplementedError
