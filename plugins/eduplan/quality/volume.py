"""How much a source that is read daily or monthly brings, by the weeks of the school calendar.

Batches of such a source hold what is new, so one says little; four weeks of them do. Days are those
of the city (Asia/Shanghai).
"""

import datetime as dt
from typing import Any

import psycopg

from eduplan.quality.compare import Anomaly, Figure, judge

METRIC = "rows_4_weeks"
_DAYS = 28
_YEARS = 5


def far(
    conn: psycopg.Connection[Any], dataset: str, day: dt.date
) -> tuple[Anomaly, list[str]] | None:
    """Compare the rows of the four weeks up to ``day`` with the same weeks of former school years.

    Returns the anomaly and the days the weeks compared with ended on; None when the rows are as
    usual, or no former year is known.
    """
    now, former = weeks(conn, dataset, day)
    found = judge(Figure("", METRIC, "", now), list(former.values()), now)
    return None if found is None else (found, [end.isoformat() for end in sorted(former)])


def weeks(
    conn: psycopg.Connection[Any], dataset: str, day: dt.date
) -> tuple[float, dict[dt.date, float]]:
    """Return the rows landed in the four weeks up to ``day``, and in those of former school years
    by the day they ended on.

    Weeks are counted from 1 September, so that the same weeks lie the same way in their term.
    Readings of everything are no news and are left out, as are weeks before the first delivery.
    """
    start = dt.date(day.year if day.month >= 9 else day.year - 1, 9, 1)
    ends = [start.replace(year=start.year - back) + (day - start) for back in range(_YEARS + 1)]
    found = {
        end: float(rows)
        for end, rows in conn.execute(_WEEKS, {"dataset": dataset, "days": _DAYS, "ends": ends})
    }
    return found.pop(day, 0.0), found


_WEEKS = """
with landed as (
    select b.row_count, (b.landed_at at time zone 'Asia/Shanghai')::date as day,
        exists (select from ops.pull p where p.batch_id = b.batch_id and p.is_full) as is_full
    from ops.batch b
    where b.dataset = %(dataset)s and b.status not in ('failed', 'rejected') and replay_of is null
)
select w.ends_on, (
    select coalesce(sum(row_count), 0) from landed
    where not is_full and day between w.ends_on - %(days)s::integer + 1 and w.ends_on
)
from unnest(%(ends)s::date[]) as w (ends_on)
where w.ends_on - %(days)s::integer + 1 >= (select min(day) from landed)
"""
