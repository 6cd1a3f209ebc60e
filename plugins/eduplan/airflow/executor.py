"""LocalExecutor whose workers have the heavy libraries loaded before the first task."""

import importlib
import logging

from airflow.executors.local_executor import LocalExecutor

log = logging.getLogger(__name__)

# Great Expectations and dbt take five seconds each to import; every task would pay that again.
HEAVY = ("eduplan.land", "eduplan.audit", "great_expectations", "dbt.cli.main", "pandas")


class WarmLocalExecutor(LocalExecutor):
    """Imports ``HEAVY`` in the scheduler: workers and tasks are forked from it and share it."""

    def start(self) -> None:
        """Import, then start the workers; a missing library is the business of its task."""
        for name in HEAVY:
            try:
                importlib.import_module(name)
            except Exception:
                log.exception("%s could not be imported beforehand", name)
        super().start()
