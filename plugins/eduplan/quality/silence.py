"""Whether it is normal that a source says nothing: its windows, the school calendar, former years.

August is quiet, 21 September is not. Times are those of the city (Asia/Shanghai).
"""

import datetime as dt
from typing import Any

import psycopg

from eduplan.quality import volume


def expected_silence(conn: psycopg.Connection[Any], dataset: str, day: dt.date) -> str | None:
    """Return why it is normal that nothing of ``dataset`` came lately, as a Chinese sentence.

    None: something should have come by ``day``. That is so when the latest deadline before it has
    passed and nothing came for it at all; units that are missing within a delivery are the matter
    of marts.qa_late_register. A dataset without deadlines is never expected.
    """
    seeded = conn.execute("select to_regclass('ref.submission_window') is not null").fetchone()
    exceptions = _EXCEPTIONS if seeded == (True,) else _NO_EXCEPTIONS
    row = conn.execute(exceptions + _TURNS, {"dataset": dataset, "day": day}).fetchone()
    if row is None:
        return "没有约定报送截止日。"
    due_on, period, came_on, opens_on, next_due_on = row
    if due_on is None or came_on is not None:
        if opens_on is None:
            return "各期均已收到。"
        if opens_on > day:
            return f"本期已收到或尚无到期数据；下次报送窗口 {_zh(opens_on)}开放。"
        return f"正在报送期内，{_zh(next_due_on)}截止。"
    vacation = _free_since(conn, due_on, day)
    if vacation is not None:
        return f"截止日({_zh(due_on)})以来都是{vacation}。"
    former = volume.weeks(conn, dataset, day)[1]
    if former and not any(former.values()):
        return "往年同期也没有数据。"
    return None


def _free_since(conn: psycopg.Connection[Any], due_on: dt.date, day: dt.date) -> str | None:
    """Return the holidays or vacations that cover all days after ``due_on`` up to ``day``."""
    known = conn.execute("select to_regclass('ref.school_calendar') is not null").fetchone()
    if known != (True,) or day <= due_on:
        return None
    row = conn.execute(
        "select bool_and(free.name is not null), string_agg(distinct free.name, '、')"
        " from generate_series(%(due)s::date + 1, %(day)s::date, interval '1 day') as each (day)"
        " left join lateral (select min(name) as name from ref.school_calendar"
        "  where kind in ('holiday', 'vacation') and each.day between first_day and last_day)"
        " as free on true",
        {"due": due_on, "day": day},
    ).fetchone()
    return str(row[1]) if row is not None and row[0] else None


def _zh(day: dt.date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


# The seed's days for a period stand in place of the contract's; without any nobody is chased.
_NO_EXCEPTIONS = """
with stated as (
    select * from quality.submission_window where dataset = %(dataset)s
),
"""
_EXCEPTIONS = """
with stated as (
    select distinct on (w.period)
        w.dataset, w.period, coalesce(e.opens_on, w.opens_on) as opens_on,
        case when e.dataset is not null and e.opens_on is null then e.due_on
            else coalesce(e.due_on, w.due_on) end as due_on
    from quality.submission_window w
    left join ref.submission_window e
        on e.dataset = w.dataset and e.period in (w.period, '*')
    where w.dataset = %(dataset)s
    order by w.period, e.period desc
),
"""
# The latest turn that is due, the day something came for it, and the turn that comes next.
_TURNS = """
turn as (
    select w.period, w.opens_on, w.due_on, d.period_kind = 'none' as is_recurring,
        lead(w.opens_on) over (order by w.opens_on) as next_opens_on
    from stated w
    join quality.reporting_duty d using (dataset)
    where w.due_on is not null
),
arrival as (
    select b.period, least(coalesce(min(f.modified_at), b.landed_at), b.landed_at) as came_at
    from ops.batch b
    left join ops.batch_file f on f.batch_id = b.batch_id and f.status = 'landed'
    where b.dataset = %(dataset)s and b.status not in ('failed', 'rejected')
        and b.replay_of is null
    group by b.batch_id
    union all
    select 'all', started_at from ops.pull
    where dataset = %(dataset)s and status = 'unchanged'
),
came as (
    select period, (came_at at time zone 'Asia/Shanghai')::date as came_on from arrival
),
due as (
    select turn.due_on, turn.period, (
        select min(came.came_on) from came
        where came.came_on <= %(day)s
            and case
                when turn.is_recurring then came.came_on >= turn.opens_on
                    and coalesce(came.came_on < turn.next_opens_on, true)
                else came.period = turn.period
            end
    ) as came_on
    from turn
    where turn.due_on < %(day)s
    order by turn.due_on desc
    limit 1
),
coming as (
    select opens_on, due_on from turn where due_on >= %(day)s order by due_on limit 1
)
select due.due_on, due.period, due.came_on, coming.opens_on, coming.due_on
from (select exists (select from turn) as is_known) as known
left join due on true
left join coming on true
where known.is_known
"""
