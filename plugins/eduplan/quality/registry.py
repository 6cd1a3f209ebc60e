"""Which contract judged what: every version of it is kept beside the results."""

from typing import Any

import psycopg

from eduplan.contract import Contract


def record(conn: psycopg.Connection[Any], contract: Contract) -> None:
    """Keep ``contract`` in quality.contract with its columns and rules; once a version."""
