"""alerts.yaml: what it means, and what its mistakes are told as; what messages say."""

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eduplan.quality.alerts.message import Told, Words, compose
from eduplan.quality.alerts.routes import EVENTS, Occurrence, Routes, RoutesError, load, path_of
from eduplan.settings import Settings
from tests.conftest import PROJECT

GOOD = """\
timezone: Asia/Shanghai
digest_at: "08:30"
channels:
  bureau: {url: "${URL_A}", quiet_hours: "21:30-07:00"}
  stewards: {url: "${URL_B}"}
  siesta: {connection: alerts_c, quiet_hours: "12:00-14:30", critical_in_quiet_hours: true}
routes:
  - name: students
    match: {dataset: "student_*", severity: [critical, warning]}
    channels: [stewards]
    mode: digest
    at: "17:00"
    lang: en
  - name: critical
    match: {severity: critical}
    channels: [bureau, stewards, siesta]
  - name: plan
    match: {indicators: "CMP-*"}
    channels: [bureau]
senders:
  "450405": URL_A
"""


def loaded(tmp_path: Path, text: str = GOOD) -> Routes:
    path = tmp_path / "alerts.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def found(**changes: object) -> Occurrence:
    values: dict[str, object] = {
        "event": "opened",
        "kind": "batch_held",
        "severity": "critical",
        "dedupe_key": "batch_held:7",
    }
    return Occurrence(**(values | changes))  # type: ignore[arg-type]


def at(hour: int, minute: int = 0, day: int = 21) -> dt.datetime:
    """Return a moment of September 2026 by Wuzhou's clock, in UTC as the database has it."""
    return dt.datetime(2026, 9, day, hour, minute, tzinfo=dt.timezone(dt.timedelta(hours=8)))


def where(routes: Routes, occurrence: Occurrence, now: dt.datetime) -> list[tuple[object, ...]]:
    planned = routes.plan(occurrence, now.astimezone(dt.UTC))
    return [(p.route, p.channel, p.due_at, p.digest_of) for p in planned]


def test_every_matching_route_counts_and_a_channel_is_told_by_its_first(tmp_path: Path) -> None:
    routes = loaded(tmp_path)
    assert where(routes, found(dataset="student_enrollment"), at(10)) == [
        ("students", "stewards", at(17), dt.date(2026, 9, 21)),
        ("critical", "bureau", at(10), None),
        ("critical", "siesta", at(10), None),
    ]
    assert where(routes, found(severity="warning", indicators=("FUN-01", "CMP-19")), at(10)) == [
        ("plan", "bureau", at(8, 30, 22), dt.date(2026, 9, 22))
    ]
    assert where(routes, found(severity="warning", dataset="teacher_roster"), at(10)) == []
    assert where(routes, found(event="acknowledged"), at(10)) == []


@pytest.mark.parametrize(
    ("now", "due", "day"),
    [
        (at(16, 59), at(17), 21),
        (at(17), at(17), 21),
        (at(17, 1), at(17, 0, 22), 22),
        (at(0, 30), at(17), 21),
    ],
)
def test_the_digest_is_the_next_one(
    tmp_path: Path, now: dt.datetime, due: dt.datetime, day: int
) -> None:
    ((*_, due_at, digest_of),) = where(
        loaded(tmp_path), found(severity="warning", dataset="student_x"), now
    )
    assert (due_at, digest_of) == (due, dt.date(2026, 9, day))


@pytest.mark.parametrize(
    ("channel", "now", "severity", "due"),
    [
        ("bureau", at(21, 29), "critical", at(21, 29)),
        ("bureau", at(21, 30), "critical", at(7, 0, 22)),
        ("bureau", at(23, 59), "critical", at(7, 0, 22)),
        ("bureau", at(0, 0), "critical", at(7)),
        ("bureau", at(6, 59), "critical", at(7)),
        ("bureau", at(7, 0), "critical", at(7)),
        ("siesta", at(12, 0), "warning", at(14, 30)),
        ("siesta", at(12, 0), "critical", at(12, 0)),
        ("siesta", at(14, 30), "warning", at(14, 30)),
        ("stewards", at(3, 0), "warning", at(3, 0)),
    ],
)
def test_quiet_hours_end_when_they_say(
    tmp_path: Path, channel: str, now: dt.datetime, severity: str, due: dt.datetime
) -> None:
    assert loaded(tmp_path).channels[channel].open_from(now, severity) == due


def test_a_dead_channel_is_told_on_all_others_at_once(tmp_path: Path) -> None:
    dead = found(kind="dead_channel", dedupe_key="dead_channel:bureau", severity="critical")
    assert where(loaded(tmp_path), dead, at(13)) == [
        ("dead_channel", "stewards", at(13), None),
        ("dead_channel", "siesta", at(13), None),
    ]


MISTAKES = [
    ('url: "${URL_A}"', "url: https://secret.example/key", 4, "an address is a secret"),
    ('"${URL_B}"', '"${URL_B}", connection: x', 5, "needs either url: or connection:"),
    ("21:30-07:00", "21:30 to 7", 4, 'written such as "21:30-07:00"'),
    ("12:00-14:30", "12:00-12:00", 6, 'written such as "21:30-07:00"'),
    ("critical_in_quiet_hours: true", "critical_in_quiet_hours: maybe", 6, "true or false"),
    ("critical_in_quiet_hours", "critical_quiet", 6, "knows no 'critical_quiet'"),
    ("Asia/Shanghai", "Asia/Wuzhou", 1, "'Asia/Wuzhou' is no time zone"),
    ('"08:30"', '"25:00"', 2, "a time of the day"),
    ("  bureau:", "  Büro:", 4, "channel name 'Büro'"),
    ("match: {severity: critical}", "match: {severity: fatal}", 15, "severity 'fatal' is none of"),
    ("match: {severity: critical}", "match: {kind: held}", 15, "kind 'held' is none of"),
    ("match: {severity: critical}", "match: {kinds: batch_held}", 15, "knows no 'kinds'"),
    ("[bureau, stewards, siesta]", "[bureau, steward]", 16, "no channel is named 'steward'"),
    ("    channels: [stewards]\n", "", 8, "route students needs channels:"),
    ("mode: digest", "mode: immediate", 12, "at: belongs to mode: digest"),
    ("mode: digest", "mode: weekly", 11, "'weekly' is none of: immediate, digest"),
    ("lang: en", "lang: fr", 13, "'fr' is none of: zh, en"),
    ("name: plan", "name: critical", 17, "a second route named 'critical'"),
    ("- name: plan\n    match", "- match", 17, "a route needs a name:"),
    ('"450405": URL_A', '"450405": mailto://a:b@c', 21, "the name of an environment variable"),
    ("senders:", "sender:", 21, "the file knows no 'sender'"),
    ("routes:\n", "routes: {}\nx:\n", 7, "routes must be a list"),
    ("channels:\n", "channels: [\n", 5, "expected"),
    ("senders:", "digest_at: '09:00'\nsenders:", 20, "has 'digest_at' twice"),
]


@pytest.mark.parametrize(("old", "new", "line", "message"), MISTAKES)
def test_a_mistake_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    assert old in GOOD
    with pytest.raises(RoutesError) as caught:
        loaded(tmp_path, GOOD.replace(old, new, 1))
    told = str(caught.value)
    assert f"alerts.yaml:{line}: " in told and message in told
    assert "secret.example" not in told


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("Asia/Shanghai", "Mars").replace("digest\n", "never\n")
    with pytest.raises(RoutesError) as caught:
        loaded(tmp_path, text.replace("stewards]", "nobody]"))
    assert len(str(caught.value).splitlines()) == 3


def test_an_empty_file_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(RoutesError, match="needs both channels: and routes:"):
        loaded(tmp_path, "# nothing\n")
    with pytest.raises(RoutesError, match="does not exist"):
        load(tmp_path / "absent.yaml")


def test_which_file_counts(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert path_of(settings) == PROJECT / "alerts.yaml"
    (tmp_path / "alerts.yaml").touch()
    assert path_of(settings) == settings.home / "alerts.yaml"
    other = tmp_path / "other.yaml"
    assert path_of(Settings(home=tmp_path, alerts_file=other)) == other


def test_the_shipped_file_is_right_and_so_are_its_examples(tmp_path: Path) -> None:
    text = (PROJECT / "alerts.yaml").read_text(encoding="utf-8")
    shipped = loaded(tmp_path, text)
    assert [(r.name, r.channels) for r in shipped.routes] == [("everything", ("log",))]
    example = re.compile(r"( *)# ( *(?:- )?[\w\"-]+:( .*)?)")
    lines = [example.sub(r"\1\2", line) for line in text.splitlines()]
    opened = loaded(tmp_path, "\n".join(lines))
    assert list(opened.channels) == ["log", "bureau-wecom", "stewards-mail", "data-office"]
    assert [r.name for r in opened.routes][1:] == [
        "critical to the bureau",
        "warnings, once a day",
        "deadlines",
    ]
    assert opened.runbook_url == "https://git.example.cn/eduplan/blob/main/docs/runbook"
    assert opened.senders == {"450405": "EDUPLAN_SENDER_URL_450405"}


def test_the_address_of_a_sender(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    routes = loaded(tmp_path)
    monkeypatch.setenv("URL_A", "mailto://a@b")
    assert routes.sender_url("450405") == "mailto://a@b"
    assert routes.sender_url("450421") is None
    monkeypatch.delenv("URL_A")
    with pytest.raises(Exception, match="URL_A, the address of sender 450405, is not set"):
        routes.sender_url("450405")


def told(number: int, title: str, detail: str = "", **changes: object) -> Told:
    values: dict[str, object] = {
        "alert_id": number,
        "deliveries": (number,),
        "event": "opened",
        "severity": "warning",
        "title": title,
        "detail": detail,
        "what_to_do": "请改正。",
        "runbook": "docs/runbook/check_failed.md",
        "owner": "学籍专班",
        "dataset": None,
        "period": None,
        "indicators": (),
        "magnitude": Decimal(3),
        "unit": "行",
    }
    return Told(**(values | changes))  # type: ignore[arg-type]


def words(lang: str = "zh", runbook_url: str = "") -> Words:
    return Words({"CMP-19": "巩固率"}, {"warning": 2}, runbook_url, lang)


@given(
    st.lists(st.tuples(st.text(max_size=300), st.text(max_size=3000)), min_size=1, max_size=40),
    st.sampled_from([900, 3500, 15_000]),
    st.booleans(),
)
def test_no_message_is_too_long_and_each_alert_is_in_exactly_one(
    texts: list[tuple[str, str]], limit: int, digest: bool
) -> None:
    alerts = [told(number, *text) for number, text in enumerate(texts)]
    day = dt.date(2026, 9, 21) if digest else None
    messages = compose(alerts, words(), limit, day)
    assert all(len(message.body.encode()) <= limit for message in messages)
    fulfilled = [number for message in messages for number in message.deliveries]
    assert sorted(fulfilled) == list(range(len(texts)))


def test_one_alert_is_told_in_full_in_both_languages() -> None:
    alert = told(
        12, "巩固率落后", "三个县低于目标。", severity="critical", indicators=("CMP-19", "CMP-20")
    )
    (zh,) = compose([alert], words(runbook_url="https://git.example.cn/runbook/"), 3500)
    assert zh.title == "【严重】新告警：巩固率落后"
    assert zh.body == (
        "情况：三个县低于目标。  \n涉及指标：CMP-19 巩固率、CMP-20  \n怎么办：请改正。  \n"
        "负责人：学籍专班  \n处理手册：https://git.example.cn/runbook/check_failed.md  \n"
        "认领：`eduplan alerts ack 12`"
    )
    (en,) = compose([alert], words("en"), 3500)
    assert en.title == "【critical】new alert: 巩固率落后"
    assert "What to do: 请改正。" in en.body and "`eduplan alerts ack 12`" in en.body


def test_what_is_over_asks_for_nothing() -> None:
    (message,) = compose([told(12, "巩固率落后", event="recovered")], words(), 3500)
    assert message.title == "【警告】告警恢复：巩固率落后"
    assert message.body == "负责人：学籍专班"


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize(("lang", "word"), [("zh", "告警"), ("en", "alert")])
def test_every_title_has_the_keyword_of_robots(event: str, lang: str, word: str) -> None:
    one, two = told(1, "巩固率落后", event=event), told(2, "学籍迟报", event=event)
    for alerts, day in (([one], None), ([one, two], None), ([one], dt.date(2026, 9, 21))):
        (message,) = compose(alerts, words(lang), 3500, day)
        assert word in message.title


def test_the_worst_comes_first() -> None:
    alerts = [
        told(n, f"第 {n} 件", severity=s) for n, s in enumerate(["info", "warning", "critical"])
    ]
    (message,) = compose(alerts, words(), 3500, dt.date(2026, 9, 21))
    assert [line[:6] for line in message.body.splitlines()[:3]] == [
        "- 【严重】",
        "- 【警告】",
        "- 【提示】",
    ]
