"""Alerts on their way to people: real PostgreSQL, the services' protocols, real TLS and mail."""

import datetime as dt
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from eduplan import warehouse
from eduplan.connections import Connection
from eduplan.errors import EduplanError
from eduplan.quality.alerts import engine
from eduplan.quality.alerts.deliver import Delivered, deliver, send, try_channel
from eduplan.settings import Settings
from tests import chat_servers as chat
from tests.chat_servers import DINGTALK, FEISHU, SLACK, WECOM, ChatServers
from tests.conftest import PROJECT

NOON = dt.datetime(2026, 9, 21, 4, 0, tzinfo=dt.UTC)  # 12:00 in Wuzhou, a Monday
MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
SERVICES = [WECOM, DINGTALK, FEISHU, SLACK, "smtp"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChatServers]:
    with chat.chat_servers(tmp_path_factory.mktemp("chat")) as servers:
        yield servers


@pytest.fixture
def servers(running: ChatServers, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServers]:
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    for number, service in enumerate(SERVICES):
        monkeypatch.setenv(f"CHANNEL_{number}", running.urls[service])
    for box in (running.received, running.behave, running.refused, running.asked):
        box.clear()
    yield running
    assert running.refused == []


@pytest.fixture
def office(tmp_path: Path, db_url: str) -> Settings:
    return Settings(home=tmp_path, database_url=db_url)


def routes(office: Settings, text: str) -> None:
    (office.home / "alerts.yaml").write_text(text, encoding="utf-8")


def one_channel(office: Settings, service: str, more: str = "", mode: str = "immediate") -> None:
    routes(
        office,
        f"channels:\n  office:\n    url: ${{CHANNEL_{SERVICES.index(service)}}}\n{more}"
        f"routes:\n  - {{name: all, channels: [office], mode: {mode}}}\n",
    )


def raised(
    db: psycopg.Connection,
    title: str = "学籍 2026-2027 一批被暂停",
    *,
    kind: str = "batch_held",
    key: str | None = None,
    severity: str = "critical",
    at: dt.datetime = NOON,
    detail: str = "藤县上报 1200 行，其中 96 行有严重问题，超过 5% 的限度。",
) -> int:
    """Open an alert as the engine does; return its id."""
    row = db.execute(
        "insert into quality.alert (dedupe_key, kind, severity, title, detail, what_to_do,"
        " runbook, owner, dataset, period, indicator_codes, magnitude, opened_at, last_seen_at)"
        " values (%s, %s, %s, %s, %s, '请在审核页作出决定。', %s, '学籍专班', 'student_enrollment',"
        " '2026-2027', '{CMP-01,CMP-19}', 96, %s, %s) returning alert_id",
        (
            key or f"{kind}:{title}",
            kind,
            severity,
            title,
            detail,
            f"docs/runbook/{kind}.md",
            at,
            at,
        ),
    ).fetchone()
    assert row is not None
    happened(db, row[0], "opened", severity, 96, at)
    return int(row[0])


def happened(
    db: psycopg.Connection,
    alert: int,
    event: str,
    severity: str = "critical",
    magnitude: int = 96,
    at: dt.datetime = NOON,
) -> None:
    db.execute(
        "insert into quality.alert_event (alert_id, event, severity, magnitude, happened_at)"
        " values (%s, %s, %s, %s, %s)",
        (alert, event, severity, magnitude, at),
    )
    db.execute(
        "update quality.alert set magnitude = %s, severity = %s, status = case %s"
        " when 'recovered' then 'recovered' else status end where alert_id = %s",
        (magnitude, severity, event, alert),
    )
    db.commit()


def deliveries(db: psycopg.Connection) -> list[tuple[Any, ...]]:
    rows = db.execute(
        "select channel, status, attempts from quality.alert_delivery order by delivery_id"
    ).fetchall()
    db.commit()
    return rows


def dead_channels(db: psycopg.Connection) -> list[tuple[Any, ...]]:
    rows = db.execute(
        "select dedupe_key, severity, magnitude, detail from quality.alert_signal"
        " where kind = 'dead_channel'"
    ).fetchall()
    db.commit()
    return rows


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_is_told_in_its_own_form_and_once(
    service: str, db: psycopg.Connection, office: Settings, servers: ChatServers
) -> None:
    alert = raised(db)
    one_channel(office, service)

    first = deliver(office, db, NOON)
    again = deliver(office, db, NOON + HOUR)

    assert (first.planned, first.sent, first.messages, first.pending) == (1, 1, 1, 0)
    assert again == Delivered()
    (message,) = servers.received
    assert message.service == service
    assert "【严重】新告警：学籍 2026-2027 一批被暂停" in message.title
    for said in (
        "藤县上报 1200 行，其中 96 行有严重问题",
        "CMP-01",
        "请在审核页作出决定",
        "学籍专班",
        "docs/runbook/batch_held.md",
        f"eduplan alerts ack {alert}",
    ):
        assert said in message.text
    assert deliveries(db) == [("office", "sent", 1)]


FAILURES = [
    *((service, how) for service in SERVICES for how in ("fail", "limit", "refuse")),
    *((service, "page") for service in SERVICES if service != "smtp"),
    (DINGTALK, "hang"),
]


@pytest.mark.parametrize(("service", "behaviour"), FAILURES)
def test_what_is_not_accepted_is_sent_again_later(
    service: str, behaviour: str, db: psycopg.Connection, office: Settings, servers: ChatServers
) -> None:
    raised(db)
    one_channel(office, service)
    servers.behave[service] = behaviour

    failed = deliver(office, db, NOON)
    too_soon = deliver(office, db, NOON + dt.timedelta(seconds=59))
    asked = len(servers.asked)
    servers.behave.clear()
    later = deliver(office, db, NOON + MINUTE)

    assert (failed.sent, failed.failed, failed.pending) == (0, 1, 1)
    assert (too_soon.failed, asked) == (0, 1)
    assert (later.sent, len(servers.received)) == (1, 1)
    assert deliveries(db) == [("office", "sent", 2)]


def test_a_refusal_is_recorded_without_the_address(
    db: psycopg.Connection, office: Settings, servers: ChatServers
) -> None:
    raised(db)
    one_channel(office, WECOM)
    servers.behave[WECOM] = "refuse"  # the answer repeats the key

    deliver(office, db, NOON)

    error = db.execute("select error from quality.alert_delivery").fetchone()
    assert error == ("refused, errcode 93000: invalid webhook url ***",)


@pytest.mark.parametrize("behaviour", ["ok", "fail", "refuse", "hang"])
def test_nothing_secret_is_logged_or_stored(
    behaviour: str,
    db: psycopg.Connection,
    office: Settings,
    servers: ChatServers,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    names = {WECOM: "a", DINGTALK: "b", FEISHU: "c", SLACK: "d", "smtp": "e"}
    routes(
        office,
        "channels:\n"
        + "".join(f"  {n}: {{url: '${{CHANNEL_{SERVICES.index(s)}}}'}}\n" for s, n in names.items())
        + "routes:\n  - {name: all, channels: [a, b, c, d, e]}\n",
    )
    raised(db)
    if behaviour == "hang":
        servers.behave[WECOM] = "hang"
    else:
        servers.behave.update(dict.fromkeys(SERVICES, behaviour))

    for minutes in (0, 1, 3):
        deliver(office, db, NOON + minutes * MINUTE)

    written = "".join(
        str(db.execute(f"select to_json(t) from quality.{table} t").fetchall())
        for table in ("alert", "alert_delivery", "alert_channel", "alert_signal")
    )
    out = capfd.readouterr()
    for text in (caplog.text, written, out.out, out.err):
        for secret in chat.SECRETS:
            assert secret not in text
    assert len(dead_channels(db)) == {"ok": 0, "hang": 1}.get(behaviour, 5)


def test_a_dead_channel_is_told_on_the_others_until_it_works_again(
    db: psycopg.Connection, office: Settings, servers: ChatServers
) -> None:
    routes(
        office,
        "channels:\n  bureau: {url: '${CHANNEL_0}'}\n  mail: {url: '${CHANNEL_4}'}\n"
        "routes:\n  - {name: all, channels: [bureau]}\n",
    )
    raised(db)
    servers.behave[WECOM] = "refuse"

    deliver(office, db, NOON)
    deliver(office, db, NOON + MINUTE)
    assert dead_channels(db) == []
    deliver(office, db, NOON + 3 * MINUTE)
    ((key, severity, failures, detail),) = dead_channels(db)
    assert (key, severity, failures) == ("dead_channel:bureau", "critical", 3)
    assert detail == (
        "已连续失败 3 次，1 条消息在等待；最近一次：refused, errcode 93000: invalid webhook url ***"
    )

    dead = raised(
        db,
        "告警渠道 bureau 发不出消息",
        kind="dead_channel",
        key="dead_channel:bureau",
        detail=detail,
    )
    deliver(office, db, NOON + 4 * MINUTE)
    assert [(m.service, m.title) for m in servers.received] == [
        ("smtp", "【严重】新告警：告警渠道 bureau 发不出消息")
    ]

    servers.behave.clear()
    deliver(office, db, NOON + 7 * MINUTE)
    assert dead_channels(db) == []
    assert len(servers.of(WECOM)) == 1
    happened(db, dead, "recovered")
    deliver(office, db, NOON + 8 * MINUTE)
    assert [m.service for m in servers.received] == ["smtp", WECOM, "smtp"]
    assert servers.received[-1].title == "【严重】告警恢复：告警渠道 bureau 发不出消息"


def test_the_engine_and_the_delivery_together_tell_a_dead_channel_once(
    db: psycopg.Connection, office: Settings, servers: ChatServers
) -> None:
    """What the DAG quality_watch does: judge everything, then send; twice in a row adds nothing."""
    routes(
        office,
        "channels:\n  bureau: {url: '${CHANNEL_1}'}\n  mail: {url: '${CHANNEL_4}'}\n"
        "routes:\n  - {name: all, match: {kind: dag_failed}, channels: [bureau]}\n",
    )
    db.execute(
        "insert into quality.alert_signal (dedupe_key, kind, severity, title)"
        " values ('dag_failed:ingest_students', 'dag_failed', 'critical', 'ingest_students 失败')"
    )
    db.commit()

    def watch(minutes: int) -> None:
        now = NOON + minutes * MINUTE
        engine.refresh(db, {}, "demo-2025-2027", NOON.date(), now)
        db.commit()
        deliver(office, db, now)
        deliver(office, db, now)

    servers.behave[DINGTALK] = "refuse"
    for minutes in (0, 15, 30, 45, 46):
        watch(minutes)
    assert [(m.service, m.title) for m in servers.received] == [
        ("smtp", "【严重】新告警：告警渠道 bureau 发不出消息")
    ]
    assert "关键词不匹配" in servers.received[0].text

    servers.behave.clear()
    for minutes in (75, 90, 105, 106):
        watch(minutes)
    assert [(m.service, m.title) for m in servers.received[1:]] == [
        (DINGTALK, "【严重】新告警：ingest_students 失败"),
        ("smtp", "【严重】告警恢复：告警渠道 bureau 发不出消息"),
    ]


def test_an_alert_the_service_refuses_does_not_keep_the_others_back(
    db: psycopg.Connection, office: Settings, servers: ChatServers
) -> None:
    one_channel(office, WECOM)
    for name in ("甲", "乙", "敏感词", "丙", "丁"):
        raised(db, name)
    servers.behave[WECOM] = "block:敏感词"
    now = NOON
    for _ in range(3):
        assert deliver(office, db, now).sent == 0
        now += HOUR
    raised(db, "新来的", at=now)
    deliver(office, db, now)
    assert servers.received[0].title == "【严重】新告警：新来的"

    for _ in range(12):
        now += HOUR
        deliver(office, db, now)
    text = "\n".join(m.title + m.text for m in servers.received)
    assert [text.count(f"新告警：{name}") for name in ("甲", "乙", "丙", "丁", "新来的")] == [1] * 5
    assert [row for row in deliveries(db) if row[1] == "pending"][0][2] > 3
    assert sum(row[1] == "pending" for row in deliveries(db)) == 1

    servers.behave.clear()
    assert deliver(office, db, now + HOUR).sent == 1


def test_an_address_that_is_not_set_stops_only_its_channel(
    db: psycopg.Connection, office: Settings, servers: ChatServers
) -> None:
    routes(
        office,
        "channels:\n  nowhere: {url: '${NOT_SET_ANYWHERE}'}\n  office: {url: '${CHANNEL_2}'}\n"
        "routes:\n  - {name: all, channels: [nowhere, office]}\n",
    )
    raised(db)

    done = deliver(office, db, NOON)

    assert (done.sent, done.failed) == (1, 1)
    assert len(servers.of(FEISHU)) == 1
    errors = db.execute("select channel, error from quality.alert_channel where failures > 0")
    assert errors.fetchall() == [("nowhere", "NOT_SET_ANYWHERE is not set")]


def test_quiet_hours_hold_everything_but_the_critical_that_may_break_them(
    db: psycopg.Connection, office: Settings, servers: ChatServers
) -> None:
    night = dt.datetime(2026, 9, 21, 15, 0, tzinfo=dt.UTC)  # 23:00
    routes(
        office,
        "channels:\n"
        "  sleeper: {url: '${CHANNEL_0}', quiet_hours: '21:30-07:00'}\n"
        "  watch:\n    url: ${CHANNEL_2}\n    quiet_hours: '21:30-07:00'\n"
        "    critical_in_quiet_hours: true\n"
        "routes:\n  - {name: all, channels: [sleeper, watch], mode: immediate}\n",
    )
    raised(db, "严重的事", at=night)
    raised(db, "不急的事", severity="warning", at=night)

    assert deliver(office, db, night).sent == 1
    assert [(m.service, m.title) for m in servers.received] == [
        (FEISHU, "【严重】新告警：严重的事")
    ]
    assert deliver(office, db, dt.datetime(2026, 9, 21, 22, 59, tzinfo=dt.UTC)).sent == 0
    assert deliver(office, db, dt.datetime(2026, 9, 21, 23, 0, tzinfo=dt.UTC)).sent == 3
    assert [(m.service, m.title) for m in servers.received[1:]] == [
        (WECOM, "【严重】2 条告警有变化"),
        (FEISHU, "【警告】新告警：不急的事"),
    ]


def test_a_retry_waits_for_the_end_of_quiet_hours(
    db: psycopg.Connection, office: Settings, servers: ChatServers
) -> None:
    evening = dt.datetime(2026, 9, 21, 13, 29, tzinfo=dt.UTC)  # 21:29
    one_channel(office, WECOM, "    quiet_hours: '21:30-07:00'\n")
    raised(db, at=evening)
    servers.behave[WECOM] = "fail"
    assert deliver(office, db, evening).failed == 1
    servers.behave.clear()
    assert deliver(office, db, evening + 3 * HOUR).sent == 0
    assert deliver(office, db, dt.datetime(2026, 9, 21, 23, 0, tzinfo=dt.UTC)).sent == 1


def test_warnings_come_once_a_day_in_one_message(
    db: psycopg.Connection, office: Settings, servers: ChatServers
) -> None:
    routes(
        office,
        "digest_at: '08:30'\nchannels:\n  office: {url: '${CHANNEL_0}'}\n"
        "routes:\n  - {name: all, channels: [office]}\n",
    )
    for number in range(3):
        raised(db, f"第 {number} 件", severity="warning")
    gone = raised(db, "已经好了的", severity="warning")
    happened(db, gone, "recovered", "warning", at=NOON + HOUR)

    assert deliver(office, db, NOON + 2 * HOUR).pending == 5
    assert deliver(office, db, dt.datetime(2026, 9, 22, 0, 29, tzinfo=dt.UTC)).sent == 0
    morning = deliver(office, db, dt.datetime(2026, 9, 22, 0, 30, tzinfo=dt.UTC))
    assert (morning.sent, morning.messages) == (5, 1)
    (message,) = servers.received
    assert message.title == "数据质量日报 2026-09-22：4 条告警有变化"
    assert message.text.splitlines() == [
        "- 【警告】新告警：第 0 件 #1",
        "- 【警告】新告警：第 1 件 #2",
        "- 【警告】新告警：第 2 件 #3",
        "- 【警告】告警恢复：已经好了的 #4",
        "",
        "目前未关闭的告警：严重 0、警告 3、提示 0。",
        "详情见 `eduplan alerts list`；认领：`eduplan alerts ack 编号`。",
    ]
    assert deliver(office, db, dt.datetime(2026, 9, 23, 0, 30, tzinfo=dt.UTC)).sent == 0


def test_what_worsens_says_from_what(
    db: psycopg.Connection, office: Settings, servers: ChatServers
) -> None:
    one_channel(office, FEISHU)
    alert = raised(db)
    deliver(office, db, NOON)
    happened(db, alert, "worsened", magnitude=200, at=NOON + HOUR)
    deliver(office, db, NOON + HOUR)
    assert [m.title for m in servers.received] == [
        "【严重】新告警：学籍 2026-2027 一批被暂停",
        "【严重】告警加重：学籍 2026-2027 一批被暂停",
    ]
    assert "程度：96 → 200 天" in servers.received[1].text


def test_what_a_person_did_is_not_told_unless_a_route_wants_it(
    db: psycopg.Connection, office: Settings, servers: ChatServers
) -> None:
    one_channel(office, FEISHU)
    alert = raised(db)
    deliver(office, db, NOON)
    happened(db, alert, "acknowledged")
    assert deliver(office, db, NOON).planned == 0
    assert deliveries(db) == [("office", "sent", 1), ("", "unrouted", 0)]

    routes(
        office,
        "channels:\n  office: {url: '${CHANNEL_2}'}\n"
        "routes:\n  - name: all\n    match: {event: '*'}\n    channels: [office]\n",
    )
    assert deliver(office, db, NOON).planned == 0  # an event is planned once
    happened(db, alert, "resolved")
    assert deliver(office, db, NOON).sent == 1
    assert servers.received[-1].title == "【严重】告警关闭：学籍 2026-2027 一批被暂停"


_RUN = """
import datetime, sys, psycopg
from pathlib import Path
from eduplan.quality.alerts import engine
from eduplan.quality.alerts.deliver import deliver
from eduplan.settings import Settings
with psycopg.connect(sys.argv[1]) as conn:
    now = datetime.datetime(2026, 9, 21, 4, 0, tzinfo=datetime.UTC)
    deliver(Settings(home=Path(sys.argv[2]), database_url=sys.argv[1]), conn, now)
"""


def test_killed_between_sending_and_marking_it_is_sent_once_more_and_no_more(
    db: psycopg.Connection, db_url: str, office: Settings, servers: ChatServers
) -> None:
    one_channel(office, WECOM)
    raised(db, "第一件")
    servers.behave[WECOM] = "swallow"  # accepted, but the answer never comes
    command = [sys.executable, "-c", _RUN, db_url, str(office.home)]
    environment = os.environ | {"PYTHONPATH": str(PROJECT / "plugins")}
    with subprocess.Popen(command, env=environment) as process:
        servers.wait_for(1)
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    assert deliveries(db) == [("office", "pending", 1)]

    servers.behave.clear()
    assert deliver(office, db, NOON).sent == 1
    assert deliver(office, db, NOON + HOUR).sent == 0
    assert len(servers.received) == 2
    assert deliveries(db) == [("office", "sent", 2)]


def test_two_runs_at_once_send_once(
    db: psycopg.Connection, db_url: str, office: Settings, servers: ChatServers
) -> None:
    one_channel(office, FEISHU)
    for number in range(3):
        raised(db, f"第 {number} 件")

    def run() -> None:
        with warehouse.connect(db_url) as conn:
            deliver(office, conn, NOON)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [m.title for m in servers.received] == ["【严重】3 条告警有变化"]
    assert deliveries(db) == [("office", "sent", 1)] * 3


@pytest.mark.parametrize("service", SERVICES)
def test_many_alerts_fit_the_service_and_each_is_told_once(
    service: str, db: psycopg.Connection, office: Settings, servers: ChatServers
) -> None:
    one_channel(office, service)
    for number in range(120):
        raised(db, f"第 {number:03} 件：某某县某某镇某某中心小学上报的教师培训学时表被暂停")
    done = deliver(office, db, NOON)
    assert done.sent == 120
    text = "\n".join(m.text for m in servers.received)
    assert [text.count(f"第 {number:03} 件") for number in range(120)] == [1] * 120
    assert text.count("目前未关闭的告警：严重 120") == 1
    assert done.messages == len(servers.received) == (5 if service == WECOM else 1)


def test_a_long_text_is_cut_at_a_character_not_refused(
    db: psycopg.Connection, office: Settings, servers: ChatServers
) -> None:
    one_channel(office, WECOM)
    raised(db, detail="很长的情况" * 2000)
    assert deliver(office, db, NOON).sent == 1
    lines = servers.received[0].text.splitlines()
    assert lines[0].strip().endswith("……")
    assert 3000 < len(lines[0].encode()) < 3500
    assert [line.split("：")[0] for line in lines[1:]] == [
        "数据集",
        "期间",
        "涉及指标",
        "怎么办",
        "负责人",
        "处理手册",
        "认领",
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_a_hostile_name_is_text_and_nothing_else(
    service: str, db: psycopg.Connection, office: Settings, servers: ChatServers
) -> None:
    one_channel(office, service)
    evil = (
        "<!channel><@all> [点我](https://evil.example) **粗** `x` <script>alert(1)</script>\n# 大"
    )
    raised(db, evil, detail=evil)
    deliver(office, db, NOON)
    (message,) = servers.received
    for mark in ("<!", "<@", "](", "**粗", "<script", "https://evil", "\n# 大"):
        assert mark not in message.title + message.text
    assert "点我" in message.text and "evil.example" in message.text


def test_a_channel_that_left_the_file_leaves_its_messages_to_the_others(
    db: psycopg.Connection, office: Settings, servers: ChatServers
) -> None:
    one_channel(office, WECOM)
    raised(db)
    servers.behave[WECOM] = "fail"
    for minutes in (0, 1, 3):
        deliver(office, db, NOON + minutes * MINUTE)
    assert len(dead_channels(db)) == 1
    routes(
        office,
        "channels:\n  mail: {url: '${CHANNEL_4}'}\nroutes:\n  - {name: all, channels: [mail]}\n",
    )
    assert deliver(office, db, NOON + 4 * MINUTE).sent == 1
    assert [m.service for m in servers.received] == ["smtp"]
    assert deliveries(db) == [("office", "failed", 3), ("mail", "sent", 1)]
    assert dead_channels(db) == []


def test_the_shipped_routes_write_the_log(db: psycopg.Connection, office: Settings) -> None:
    raised(db)
    raised(db, "提示", severity="warning")
    assert (deliver(office, db, NOON).sent, deliver(office, db, NOON).sent) == (2, 0)
    lines = (office.logs_dir / "alerts.log").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "2026-09-21 12:00:00 【严重】2 条告警有变化"
    assert lines[1] == "    **【严重】新告警：学籍 2026-2027 一批被暂停**"
    assert lines[2] == "    情况：藤县上报 1200 行，其中 96 行有严重问题，超过 5% 的限度。"
    assert "    认领：`eduplan alerts ack 1`" in lines


def test_an_address_may_be_an_airflow_connection(
    db: psycopg.Connection, office: Settings, servers: ChatServers
) -> None:
    routes(
        office,
        "channels:\n  office: {connection: alerts_office}\n"
        "routes:\n  - {name: all, channels: [office]}\n",
    )
    raised(db)

    def resolve(conn_id: str) -> Connection:
        assert conn_id == "alerts_office"
        return Connection(conn_id, "generic", password=servers.urls[DINGTALK])

    assert deliver(office, db, NOON, resolve).sent == 1
    assert len(servers.of(DINGTALK)) == 1


def test_a_channel_can_be_tried(office: Settings, servers: ChatServers) -> None:
    one_channel(office, WECOM, "    quiet_hours: '00:00-23:59'\n")
    try_channel(office, "office", NOON)
    assert servers.received[0].title == "eduplan 告警测试"
    assert "2026-09-21 12:00" in servers.received[0].text
    with pytest.raises(EduplanError, match="no channel 'ofice'"):
        try_channel(office, "ofice", NOON)


def test_a_file_goes_by_mail_and_not_by_a_chat_that_takes_none(
    tmp_path: Path, servers: ChatServers
) -> None:
    report = tmp_path / "缺陷报告.xlsx"
    report.write_bytes(b"PK workbook")
    send(servers.urls["smtp"], "缺陷报告", "请在 **9 月 30 日** 前改正。", [report])
    (message,) = servers.received
    (attached,) = message.raw.iter_attachments()
    assert attached.get_filename() == "缺陷报告.xlsx"
    assert attached.get_payload(decode=True) == b"PK workbook"
    assert "<strong>9 月 30 日</strong>" in message.text
    with pytest.raises(EduplanError, match="takes no files"):
        send(servers.urls[WECOM], "缺陷报告", "见附件", [report])


def test_mail_is_not_sent_without_encryption_or_with_a_wrong_password(
    servers: ChatServers,
) -> None:
    with pytest.raises(EduplanError) as wrong:
        send(servers.urls["smtp"].replace(chat.MAIL_PASSWORD, "wr0ngpa55"), "标题", "正文")
    with pytest.raises(EduplanError):
        send(servers.urls["smtp"].replace("mode=starttls", "mode=insecure"), "标题", "正文")
    assert servers.received == []
    assert "535" in str(wrong.value) and "wr0ngpa55" not in str(wrong.value)


def test_a_certificate_nobody_signed_is_not_trusted(
    servers: ChatServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(EduplanError, match="no connection: SSLError"):
        send(servers.urls[WECOM], "标题", "正文")
    assert servers.received == []
