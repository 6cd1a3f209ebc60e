"""What every DAG tells the alert table: that a run failed, is late, or is well again."""

from typing import Any

CALLBACKS: dict[str, Any] = {}
"""Arguments of ``@dag``: callbacks and deadline, the same for every DAG."""
