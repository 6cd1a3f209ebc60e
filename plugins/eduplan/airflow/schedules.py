"""When DAGs run by themselves: by their contract's schedule, where an installation wants that."""

import os

from eduplan.contract import Contract


def schedule_of(contract: Contract) -> str | None:
    """Return the contract's cron expression when EDUPLAN_SCHEDULES is on, else None.

    Off by default: on one machine a DAG runs when somebody triggers it. A server sets it to 1.
    """
    return contract.schedule if os.environ.get("EDUPLAN_SCHEDULES") == "1" else None
