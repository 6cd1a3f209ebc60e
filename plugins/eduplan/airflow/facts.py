"""What the running task has found out, for the event that OpenLineage sends when it ends.

A task's process runs one task: ids and counts stay here until its listener has read them.
"""

from typing import Any

FACTS: dict[str, Any] = {}


def note(**facts: Any) -> None:
    """Keep ids and counts of the running task."""
    FACTS.update(facts)
