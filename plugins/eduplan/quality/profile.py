"""What a batch looks like in numbers, against the same window of former years."""

from typing import Any

import psycopg

from eduplan.contract import Contract


def observe(conn: psycopg.Connection[Any], contract: Contract, batch_id: int) -> None:
    """Store the figures of an audited batch and those that are far from former years'."""
