"""The day that deadlines, snoozes and delays are counted to."""

import datetime as dt
import json

from eduplan.settings import Settings

CITY = "_city.json"
CHINA = dt.timezone(dt.timedelta(hours=8))
"""The zone in which readers are told the time."""


def today_of(settings: Settings) -> dt.date:
    """Return EDUPLAN_TODAY; else the day the synthetic city is seen on; else the clock's.

    To be called by the command line and the DAG layer only, and passed down.
    """
    return fixed_day(settings) or dt.date.today()


def fixed_day(settings: Settings) -> dt.date | None:
    """Return the day this installation stands still at; None: it goes with the clock."""
    if settings.today is not None:
        return settings.today
    marker = settings.source_root / CITY
    if marker.is_file():
        seen = json.loads(marker.read_text(encoding="utf-8")).get("as_of")
        if seen:
            return dt.date.fromisoformat(seen)
    return None
