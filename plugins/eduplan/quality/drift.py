"""Where a delivery differs from its contract: columns and codes, with a suggestion each."""

from typing import Any

import psycopg

from eduplan.contract import Contract


def observe(conn: psycopg.Connection[Any], contract: Contract, batch_id: int) -> None:
    """Complete the drift events of an audited batch: renamed and re-typed columns, codes."""
