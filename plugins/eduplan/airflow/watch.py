"""What the tasks of the DAG quality_watch do: one call into eduplan each."""

import datetime as dt
import logging
import os
from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from eduplan.airflow.assets import built
from eduplan.airflow.errors import transient_errors_only
from eduplan.settings import load_settings

log = logging.getLogger(__name__)

CRON = "*/15 * * * *"


def schedule() -> Any:
    """Return when quality is watched: after every build, and by the clock where that is wanted.

    Without EDUPLAN_SCHEDULES=1 nothing runs by the clock, see `eduplan.airflow.schedules`.
    """
    if os.environ.get("EDUPLAN_SCHEDULES") != "1":
        return [built()]
    from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable

    return AssetOrTimeSchedule(
        timetable=CronTriggerTimetable(CRON, timezone="Asia/Shanghai"), assets=[built()]
    )


def update_alerts() -> dict[str, int]:
    """Judge every condition; return counts of what changed. Fails when a kind cannot be judged."""
    from eduplan import warehouse
    from eduplan.contract import load_contracts
    from eduplan.postgres import ensure_database
    from eduplan.quality.alerts import engine
    from eduplan.quality.clock import today_of

    settings = load_settings()
    with transient_errors_only(), warehouse.connect(ensure_database(settings)) as conn:
        done = engine.refresh(
            conn,
            load_contracts(settings.expectations_dir),
            settings.plan_version,
            today_of(settings),
            dt.datetime.now(dt.UTC),
        )
    counts: dict[str, int] = {"conditions": done.conditions}
    for event in done.events:
        log.info("alert %s %s: %s %s", event.alert_id, event.event, event.severity, event.title)
        counts[event.event] = counts.get(event.event, 0) + 1
    if done.unjudged:
        reasons = "; ".join(f"{kind}: {why}" for kind, why in done.unjudged.items())
        raise AirflowFailException(f"some kinds of alerts could not be judged: {reasons}")
    return counts


def deliver() -> str:
    """Send what is due; a channel that fails is tried again by the next run."""
    from eduplan import warehouse
    from eduplan.airflow.connections import from_airflow
    from eduplan.postgres import ensure_database
    from eduplan.quality.alerts.deliver import deliver

    settings = load_settings()
    with transient_errors_only(), warehouse.connect(ensure_database(settings)) as conn:
        done = deliver(settings, conn, dt.datetime.now(dt.UTC), from_airflow)
    log.info("%s", done)
    return str(done)


def defects() -> str:
    """Write the workbooks that tell each sender what to mend."""
    from eduplan import warehouse
    from eduplan.contract import load_contracts
    from eduplan.postgres import ensure_database
    from eduplan.quality.clock import today_of
    from eduplan.quality.defects import write

    settings = load_settings()
    contracts = load_contracts(settings.expectations_dir)
    with transient_errors_only(), warehouse.connect(ensure_database(settings)) as conn:
        report = write(conn, contracts, settings, today_of(settings))
    log.info("%s", report)
    return str(report)


def page() -> str:
    """Write the quality page; return its path."""
    from eduplan.quality.clock import today_of
    from eduplan.quality.pages import write

    settings = load_settings()
    with transient_errors_only():
        path = write(settings, today_of(settings))
    log.info("quality page: %s", path)
    return str(path)


def fail() -> None:
    """Fail the run: the tasks after a failed one may have succeeded, which would hide it."""
    raise AirflowFailException("a task of this run failed: read its log")
