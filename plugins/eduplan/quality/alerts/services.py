"""Apprise, and what three chat services need beyond it. The only importer of Apprise.

企业微信, 钉钉 and 飞书 answer HTTP 200 to messages they refuse and say so in the body only, which
Apprise does not read; it percent-encodes 钉钉's signature twice, and cannot sign for 飞书. The
plugins here take their place under the same Apprise addresses, and also under the webhook address
as the service shows it.
"""

import base64
import hashlib
import hmac
import json
import logging
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import requests
from apprise import Apprise, AppriseAsset, NotifyFormat
from apprise.manager_plugins import NotificationManager
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.feishu import NotifyFeishu
from apprise.plugins.wecombot import NotifyWeComBot

from eduplan.errors import EduplanError


class DeliveryError(EduplanError):
    """A message was not accepted by its service; the text never holds the address."""


_PAUSE = 3.1
"""Seconds between two messages of one run: 企业微信 and 钉钉 take twenty a minute."""


def _signature(key: str, text: str) -> str:
    """Return the Base64 of the HMAC-SHA256 of ``text``."""
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()


def _accepted(
    plugin: Any, url: str, payload: dict[str, Any], code: str, text: str, **query: str
) -> bool:
    """Post ``payload``; True only if the answer is HTTP 200 and its ``code`` is 0."""
    plugin.throttle()
    try:
        answer = requests.post(
            url,
            data=json.dumps(payload, ensure_ascii=False).encode(),
            params=query or None,
            headers={
                "User-Agent": plugin.app_id,
                "Content-Type": "application/json; charset=utf-8",
            },
            verify=plugin.verify_certificate,
            timeout=plugin.request_timeout,
            allow_redirects=False,
        )
    except requests.RequestException as error:  # its text holds the address
        plugin.logger.warning(f"no connection: {type(error).__name__}")
        return False
    if answer.status_code != requests.codes.ok:
        plugin.logger.warning(f"HTTP {answer.status_code}")
        return False
    try:
        said = answer.json()
        refused = said[code]
    except (ValueError, KeyError, TypeError):
        plugin.logger.warning(f"HTTP 200 with an answer that has no {code}")
        return False
    if refused != 0:
        plugin.logger.warning(f"refused, {code} {refused}: {said.get(text, '')}")
        return False
    return True


class WeCom(NotifyWeComBot):  # type: ignore[misc]
    """企业微信群机器人, in Markdown (at most 4096 bytes)."""

    notify_format = NotifyFormat.MARKDOWN
    title_maxlen = 250
    body_maxlen = 4096
    request_rate_per_sec = _PAUSE

    def send(self, body: str, title: str = "", **_: Any) -> bool:
        """Send one message. Source: developer.work.weixin.qq.com/document/path/91770."""
        content = f"## {title}\n{body}" if title else body
        payload = {"msgtype": "markdown", "markdown": {"content": content}}
        return _accepted(self, self.api_url, payload, "errcode", "errmsg")


class DingTalk(NotifyDingTalk):  # type: ignore[misc]
    """钉钉自定义机器人, in Markdown, signed where the robot has a secret."""

    notify_format = NotifyFormat.MARKDOWN
    overflow_amalgamate_title = False
    request_rate_per_sec = _PAUSE

    def send(self, body: str, title: str = "", **_: Any) -> bool:
        """Send one message. Source: open.dingtalk.com, 自定义机器人安全设置 (加签)."""
        # One line break is none in 钉钉; a list item must begin its line.
        text = body.replace("\n", "\n\n")
        payload = {
            "msgtype": "markdown",
            "markdown": {"title": title, "text": f"### {title}\n\n{text}"},
            "at": {"atMobiles": self.targets, "isAtAll": False},
        }
        query = {"access_token": self.token}
        if self.secret:
            stamp = str(round(time.time() * 1000))
            query |= {
                "timestamp": stamp,
                "sign": _signature(self.secret, f"{stamp}\n{self.secret}"),
            }
        url = self.notify_url.split("?")[0]
        return _accepted(self, url, payload, "errcode", "errmsg", **query)

    @staticmethod
    def parse_native_url(url: str) -> dict[str, Any] | None:
        """Read the webhook address as 钉钉 shows it; ``&secret=SEC…`` may be added."""
        found = _native(url, r"https://oapi\.dingtalk\.com/robot/send\?(?P<query>.+)")
        if found is None or "access_token" not in found:
            return None
        return _parsed(NotifyDingTalk, "dingtalk", found.pop("access_token"), found)


class Feishu(NotifyFeishu):  # type: ignore[misc]
    """飞书自定义机器人: a card in Markdown, signed where the robot has a secret."""

    notify_format = NotifyFormat.MARKDOWN
    title_maxlen = 250
    request_rate_per_sec = _PAUSE

    def __init__(self, token: str, secret: str | None = None, **kwargs: Any) -> None:
        super().__init__(token=token, **kwargs)
        self.secret = secret

    def send(self, body: str, title: str = "", **_: Any) -> bool:
        """Send one card. Source: open.feishu.cn, 自定义机器人使用指南 (签名校验)."""
        payload: dict[str, Any] = {
            "msg_type": "interactive",
            "card": {
                "config": {"wide_screen_mode": True},
                "header": {"title": {"tag": "plain_text", "content": title}},
                "elements": [{"tag": "markdown", "content": body}],
            },
        }
        if self.secret:
            stamp = str(int(time.time()))
            payload |= {"timestamp": stamp, "sign": _signature(f"{stamp}\n{self.secret}", "")}
        url = self.notify_url.format(token=self.token).rstrip("/")
        return _accepted(self, url, payload, "code", "msg")

    def url(self, privacy: bool = False, *args: Any, **kwargs: Any) -> str:
        """Return the address; Apprise tells services apart by it."""
        secret = self.pprint(self.secret or "", privacy, safe="")
        return f"{super().url(privacy, *args, **kwargs)}&secret={secret}"

    @staticmethod
    def parse_url(url: str) -> dict[str, Any] | None:
        """Read ``feishu://{token}?secret={secret}``."""
        results: dict[str, Any] | None = NotifyFeishu.parse_url(url)
        if results:
            results["secret"] = results["qsd"].get("secret") or None
        return results

    @staticmethod
    def parse_native_url(url: str) -> dict[str, Any] | None:
        """Read the webhook address as 飞书 shows it; ``?secret=…`` may be added."""
        found = _native(
            url,
            r"https://open\.feishu\.cn/open-apis/bot/v2/hook/(?P<token>[\w-]+)/?(\?(?P<query>.*))?",
        )
        return _parsed(Feishu, "feishu", found.pop("token"), found) if found else None


def _native(url: str, pattern: str) -> dict[str, str] | None:
    found = re.fullmatch(pattern, url)
    if found is None:
        return None
    parts = {name: text for name, text in found.groupdict().items() if text and name != "query"}
    return parts | dict(parse_qsl(found.groupdict().get("query") or ""))


def _parsed(plugin: Any, schema: str, host: str, query: dict[str, str]) -> dict[str, Any] | None:
    results: dict[str, Any] | None = plugin.parse_url(f"{schema}://{host}/?{urlencode(query)}")
    return results


for _plugin in (WeCom, DingTalk, Feishu):
    NotificationManager().add(_plugin, force=True)

_BYTES = {WeCom: 3500, DingTalk: 15_000, Feishu: 15_000}
_ASSET = AppriseAsset(app_id="eduplan", app_desc="eduplan", app_url="", secure_logging=True)


class Service:
    """One opened address: how long a message may be, and the way to send it."""

    def __init__(self, url: str) -> None:
        """Open the Apprise ``url``; raises DeliveryError when no service knows it."""
        self._secrets = _secrets(url)
        with _heard() as said:
            plugin = Apprise.instantiate(url, asset=_ASSET)
        if plugin is None:
            why = self._clean(said[-1] if said else "not understood")
            raise DeliveryError(
                f"the address is not one of Apprise: {why[:80]}",
                hint="docs/alerting.md shows the form of each service's address",
            )
        self._plugin: Any = plugin

    @property
    def max_bytes(self) -> int:
        """Longest body in UTF-8 bytes."""
        for plugin, length in _BYTES.items():
            if isinstance(self._plugin, plugin):
                return length
        # Services count characters or bytes; a Chinese character has three bytes.
        return int(min(self._plugin.body_maxlen, 60_000))

    def send(self, title: str, body: str, attach: Sequence[Path] = ()) -> None:
        """Send one Markdown message. Raises DeliveryError unless it was accepted."""
        if attach and not self._plugin.attachment_support:
            raise DeliveryError(
                f"{self._plugin.service_name} takes no files",
                hint="use a mail address, or hand the outbox over",
            )
        apprise = Apprise(asset=_ASSET)
        apprise.add(self._plugin)
        with _heard() as said:
            accepted = bool(
                apprise.notify(
                    body=body,
                    title=title,
                    body_format=NotifyFormat.MARKDOWN,
                    attach=[str(path) for path in attach] or None,
                )
            )
        if not accepted:
            raise DeliveryError(self._clean("; ".join(said) or "not accepted")[:300])

    def _clean(self, text: str) -> str:
        """Take every part of the address out of ``text``."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return " ".join(text.split())


def _secrets(url: str) -> list[str]:
    """Return the parts of an address that may be secret, the longest first."""
    try:
        parts = urlsplit(url)
        found = [parts.netloc, parts.password or "", *(text for _, text in parse_qsl(parts.query))]
        # A token is long; a short word of the path ("webhook") may stand in any message.
        found += [text for text in (parts.username or "", *parts.path.split("/")) if len(text) > 8]
    except ValueError:
        found = []
    found += [url, *map(unquote, found)]
    return sorted({text for text in found if len(text) > 3}, key=len, reverse=True)


class _Ear(logging.Handler):
    """Keeps the last words of Apprise instead of letting them out: they may hold addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        # Why a connection failed is told at the lowest level, beside whole messages.
        if record.levelno >= logging.WARNING or text.startswith("Socket Exception"):
            self.said.append(text)


@contextmanager
def _heard() -> Iterator[list[str]]:
    """Keep what Apprise and its HTTP client log from every handler, and return it."""
    ear = _Ear()
    loggers = [logging.getLogger(name) for name in ("apprise", "urllib3")]
    before = [(logger, logger.propagate, logger.handlers, logger.level) for logger in loggers]
    for logger in loggers:
        logger.propagate = False
        logger.handlers = [ear]
    loggers[0].setLevel(logging.DEBUG)
    try:
        yield ear.said
    finally:
        for logger, propagate, handlers, level in before:
            logger.propagate, logger.handlers = propagate, handlers
            logger.setLevel(level)
