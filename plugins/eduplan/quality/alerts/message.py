"""What a message says: one Markdown text that every service can show, in Chinese or English."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from eduplan.console import plain

_FULL = 5
"""Up to so many alerts in one message are told in full, more by a line each."""
_INDICATORS = 5
_CUT = "……"

# Every title has the word 告警 (alert): robots may be set to take only what has it.
_WORDS = {
    "zh": {
        "critical": "严重",
        "warning": "警告",
        "info": "提示",
        "opened": "新告警",
        "worsened": "告警加重",
        "woken": "告警暂缓到期，问题仍在",
        "recovered": "告警恢复",
        "acknowledged": "告警已认领",
        "snoozed": "告警暂缓",
        "resolved": "告警关闭",
        "events": "{n} 条告警有变化",
        "digest": "数据质量日报 {day}：{n} 条告警有变化",
        "detail": "情况",
        "amount": "程度",
        "dataset": "数据集",
        "period": "期间",
        "indicators": "涉及指标",
        "and_more": "等 {n} 项",
        "what_to_do": "怎么办",
        "owner": "负责人",
        "runbook": "处理手册",
        "ack": "认领",
        "still": "目前未关闭的告警：严重 {critical}、警告 {warning}、提示 {info}。",
        "details": "详情见 `eduplan alerts list`；认领：`eduplan alerts ack 编号`。",
        "part": "（{part}/{parts}）",
        "cut": "……（全文见 `eduplan alerts show {alert}`）",
        "colon": "：",
        "stop": "、",
    },
    "en": {
        "critical": "critical",
        "warning": "warning",
        "info": "info",
        "opened": "new alert",
        "worsened": "alert worse",
        "woken": "alert still there after its snooze",
        "recovered": "alert recovered",
        "acknowledged": "alert acknowledged",
        "snoozed": "alert snoozed",
        "resolved": "alert closed",
        "events": "{n} alerts changed",
        "digest": "Data quality of {day}: {n} alerts changed",
        "detail": "What",
        "amount": "Magnitude",
        "dataset": "Dataset",
        "period": "Period",
        "indicators": "Indicators touched",
        "and_more": " and more, {n} in all",
        "what_to_do": "What to do",
        "owner": "Owner",
        "runbook": "Runbook",
        "ack": "Acknowledge",
        "still": "Open alerts: {critical} critical, {warning} warning, {info} info.",
        "details": "Details: `eduplan alerts list`; acknowledge: `eduplan alerts ack ID`.",
        "part": " ({part}/{parts})",
        "cut": "… (in full: `eduplan alerts show {alert}`)",
        "colon": ": ",
        "stop": ", ",
    },
}
_OVER = ("recovered", "resolved")
_SEVERITIES = ("critical", "warning", "info")
# What Markdown, HTML and chat services read as marks (a link, a mention) becomes its wide form.
_WIDE = str.maketrans("<>[]*`#|\\~", "＜＞［］＊｀＃｜＼～")  # noqa: RUF001


@dataclass(frozen=True)
class Told:
    """What one channel is told of one alert: the last of its changes that are due."""

    alert_id: int
    deliveries: tuple[int, ...]
    event: str
    severity: str
    title: str
    detail: str
    what_to_do: str
    runbook: str
    owner: str
    dataset: str | None
    period: str | None
    indicators: tuple[str, ...]
    magnitude: Decimal
    unit: str
    """What the magnitude counts, in Chinese."""
    before: Decimal | None = None
    """Magnitude the channel was told last; None: it hears of the alert for the first time."""


@dataclass(frozen=True)
class Message:
    """One message and the deliveries it fulfils."""

    title: str
    body: str
    deliveries: tuple[int, ...]


@dataclass(frozen=True)
class Words:
    """What every message of one installation needs to know."""

    indicators: Mapping[str, str]
    """Name of each indicator by code."""
    open_alerts: Mapping[str, int]
    """Number of alerts that are not closed, by severity."""
    runbook_url: str = ""
    lang: str = "zh"

    def __getitem__(self, name: str) -> str:
        return _WORDS[self.lang][name]


def compose(
    told: Sequence[Told], words: Words, max_bytes: int, digest_of: dt.date | None = None
) -> list[Message]:
    """Return the messages that tell ``told``, each body at most ``max_bytes`` long in UTF-8.

    A digest, and more than five alerts at once, have one line an alert.
    """
    ordered = sorted(told, key=lambda t: (_SEVERITIES.index(t.severity), t.event in _OVER))
    full = digest_of is None and len(ordered) <= _FULL
    foot = "" if full else f"\n\n{_still(words)}\n{words['details']}"
    single = full and len(ordered) == 1
    room = max_bytes - len(foot.encode()) - 1
    blocks = [_fitting(t, words, room, full, heading=not single) for t in ordered]
    pages: list[list[int]] = [[]]
    used = 0
    for number, block in enumerate(blocks):
        size = len(block.encode()) + 2
        if pages[-1] and used + size > max_bytes - len(foot.encode()):
            pages.append([])
            used = 0
        pages[-1].append(number)
        used += size
    title = _headline(ordered[0], words) if single else _count(ordered, words, digest_of)
    messages = []
    for page, numbers in enumerate(pages, 1):
        part = words["part"].format(part=page, parts=len(pages)) if len(pages) > 1 else ""
        body = ("\n\n" if full else "\n").join(blocks[number] for number in numbers)
        messages.append(
            Message(
                title + part,
                body + (foot if page == len(pages) else ""),
                tuple(d for number in numbers for d in ordered[number].deliveries),
            )
        )
    return messages


def harmless(text: str) -> str:
    """Return ``text`` so that no service reads a mark, a link or a mention in it."""
    text = " ".join(text.split()).translate(_WIDE)
    return re.sub(r"(?i)\b(https?|ftp)://", r"\1: //", text)


def _count(told: Sequence[Told], words: Words, digest_of: dt.date | None) -> str:
    if digest_of is not None:
        return words["digest"].format(day=digest_of.isoformat(), n=len(told))
    worst = words[min((t.severity for t in told), key=_SEVERITIES.index)]
    return f"【{worst}】" + words["events"].format(n=len(told))


def _headline(told: Told, words: Words) -> str:
    return f"【{words[told.severity]}】{words[told.event]}{words['colon']}{harmless(told.title)}"


def _block(told: Told, words: Words, heading: bool) -> str:
    lines = [f"**{_headline(told, words)}**"] if heading else []
    ack = None if told.event in _OVER else f"`eduplan alerts ack {told.alert_id}`"
    for name, text in (
        ("detail", harmless(told.detail)),
        ("amount", _amount(told)),
        ("dataset", harmless(told.dataset or "")),
        ("period", harmless(told.period or "")),
        ("indicators", _indicators(told, words)),
        ("what_to_do", "" if told.event in _OVER else harmless(told.what_to_do)),
        ("owner", harmless(told.owner)),
        ("runbook", "" if told.event in _OVER else _runbook(told, words)),
        ("ack", ack),
    ):
        if text:
            lines.append(f"{words[name]}{words['colon']}{text}")
    # A blank line after a heading, two spaces before a break: HTML mail would join the lines.
    return "  \n".join(lines)


def _line(told: Told, words: Words) -> str:
    grown = _amount(told)
    amount = f" {words['amount']}{words['colon']}{grown}" if grown else ""
    return f"- {_headline(told, words)}{amount} #{told.alert_id}"


def _amount(told: Told) -> str:
    """Return by how much it changed; the number alone is told by title and detail, with unit."""
    if told.before is None or told.before == told.magnitude or told.event in _OVER:
        return ""
    return f"{plain(told.before)} → {plain(told.magnitude)} {told.unit}".rstrip()


def _indicators(told: Told, words: Words) -> str:
    named = [
        f"{code} {harmless(words.indicators.get(code, ''))}".strip()
        for code in told.indicators[:_INDICATORS]
    ]
    more = len(told.indicators) > _INDICATORS
    rest = words["and_more"].format(n=len(told.indicators)) if more else ""
    return words["stop"].join(named) + rest


def _runbook(told: Told, words: Words) -> str:
    page = told.runbook
    if words.runbook_url and "://" not in page:
        page = f"{words.runbook_url.rstrip('/')}/{page.rsplit('/', 1)[-1]}"
    return page


def _still(words: Words) -> str:
    counts = {name: words.open_alerts.get(name, 0) for name in _SEVERITIES}
    return words["still"].format(**counts)


def _fitting(told: Told, words: Words, room: int, full: bool, heading: bool) -> str:
    """Return one alert's text in at most ``room`` bytes: the detail gives way first."""
    while True:
        block = _block(told, words, heading) if full else _line(told, words)
        excess = len(block.encode()) + 2 - room
        if excess <= 0:
            return block
        detail = harmless(told.detail).encode()
        keep = len(detail) - excess - 2 * len(_CUT.encode())
        if not full or keep <= 0:
            break
        told = replace(told, detail=detail[:keep].decode(errors="ignore") + _CUT)
    cut = words["cut"].format(alert=told.alert_id)
    return block.encode()[: room - len(cut.encode()) - 2].decode(errors="ignore") + cut
