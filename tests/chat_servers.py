"""Local servers that speak the protocols of chat services and mail, under their real names.

A CONNECT proxy leads the names to one TLS server whose certificate a test authority signed, so
that the real client code runs as it is. The servers check what they are sent as the services do,
and can be told to fail, to limit, to refuse, to hang.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

WECOM, DINGTALK = "qyapi.weixin.qq.com", "oapi.dingtalk.com"
FEISHU, SLACK = "open.feishu.cn", "hooks.slack.com"
WECOM_KEY = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"
DINGTALK_TOKEN, DINGTALK_SECRET = "d1ng7a1k70k3n0123456789", "SECd1ng7a1k53cr37"
FEISHU_TOKEN, FEISHU_SECRET = "fe15hu00-70ke-4n00-b17e-0123456789ab", "fe15hu+53cr37/="
SLACK_PATH = "T1JJ3T3L2/A1BRTD4JD/51ack70k3nkcOXrIdevi7FQ"
MAIL_USER, MAIL_PASSWORD = "alerts", "ma11pa55w0rd"


@dataclass
class Received:
    """One accepted message."""

    service: str
    title: str
    text: str
    """Body in the service's own form (Markdown, HTML of a mail)."""
    raw: Any = None


@dataclass
class ChatServers:
    """All services; ``behave[name]`` is ok, fail, limit, refuse, page, hang, swallow, block:WORD.

    page answers with a web page, hang not at all; swallow accepts the message and then never
    answers; block refuses messages that hold the word.
    """

    urls: dict[str, str]
    environment: dict[str, str]
    received: list[Received] = field(default_factory=list)
    behave: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def of(self, service: str) -> list[Received]:
        return [message for message in self.received if message.service == service]

    def wait_for(self, count: int, seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while len(self.received) < count:
            assert time.monotonic() < end, f"{len(self.received)} of {count} messages arrived"
            time.sleep(0.05)


SECRETS = (
    WECOM_KEY,
    DINGTALK_TOKEN,
    DINGTALK_SECRET,
    FEISHU_TOKEN,
    FEISHU_SECRET,
    SLACK_PATH.rsplit("/", 1)[1],
    MAIL_PASSWORD,
)


def _sign(key: str, text: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()


def _wecom(path: str, query: dict[str, str], body: Any) -> tuple[int, Any, Received | None]:
    """developer.work.weixin.qq.com/document/path/91770."""
    if path != "/cgi-bin/webhook/send" or query != {"key": WECOM_KEY}:
        return 200, {"errcode": 93000, "errmsg": "invalid webhook url, hint: [1]"}, None
    content = body.get("markdown", {}).get("content")
    if body.get("msgtype") != "markdown" or not isinstance(content, str) or not content:
        return 200, {"errcode": 40008, "errmsg": "invalid message type"}, None
    if len(content.encode()) > 4096:
        return 200, {"errcode": 40058, "errmsg": "markdown.content exceed max length 4096"}, None
    title, _, text = content.partition("\n")
    return 200, {"errcode": 0, "errmsg": "ok"}, Received(WECOM, title.lstrip("# "), text, body)


def _dingtalk(path: str, query: dict[str, str], body: Any) -> tuple[int, Any, Received | None]:
    """open.dingtalk.com/document/robots/customize-robot-security-settings."""
    if path != "/robot/send" or query.get("access_token") != DINGTALK_TOKEN:
        return 200, {"errcode": 300001, "errmsg": "token is not exist"}, None
    stamp = query.get("timestamp", "0")
    if abs(time.time() * 1000 - int(stamp)) > 3_600_000:
        return 200, {"errcode": 310000, "errmsg": "invalid timestamp"}, None
    if query.get("sign") != _sign(DINGTALK_SECRET, f"{stamp}\n{DINGTALK_SECRET}"):
        return 200, {"errcode": 310000, "errmsg": "sign not match"}, None
    markdown = body.get("markdown", {})
    if body.get("msgtype") != "markdown" or not markdown.get("title") or not markdown.get("text"):
        return 200, {"errcode": 40035, "errmsg": "缺少参数 markdown.title 或 markdown.text"}, None
    if len(json.dumps(body, ensure_ascii=False).encode()) > 20_000:
        return 200, {"errcode": 460101, "errmsg": "message too long, exceed 20000 bytes"}, None
    found = Received(DINGTALK, markdown["title"], markdown["text"], body)
    return 200, {"errcode": 0, "errmsg": "ok"}, found


def _feishu(path: str, query: dict[str, str], body: Any) -> tuple[int, Any, Received | None]:
    """open.feishu.cn/document/client-docs/bot-v3/add-custom-bot."""
    if path != f"/open-apis/bot/v2/hook/{FEISHU_TOKEN}":
        return (
            200,
            {"code": 19001, "msg": "param invalid: incoming webhook access token invalid"},
            None,
        )
    stamp = str(body.get("timestamp", "0"))
    fresh = abs(time.time() - int(stamp)) <= 3600
    if not fresh or body.get("sign") != _sign(f"{stamp}\n{FEISHU_SECRET}", ""):
        said = "sign match fail or timestamp is not within one hour from current time"
        return 200, {"code": 19021, "msg": said}, None
    card = body.get("card")
    if body.get("msg_type") != "interactive" or not isinstance(card, dict):
        return 200, {"code": 9499, "msg": "Bad Request", "data": {}}, None
    if len(json.dumps(body, ensure_ascii=False).encode()) > 20_000:
        return 200, {"code": 9499, "msg": "request body too large"}, None
    title = card["header"]["title"]["content"]
    (element,) = card["elements"]
    assert element["tag"] == "markdown"
    found = Received(FEISHU, title, element["content"], body)
    return 200, {"StatusCode": 0, "StatusMessage": "success", "code": 0, "msg": "success"}, found


def _slack(path: str, query: dict[str, str], body: Any) -> tuple[int, Any, Received | None]:
    """docs.slack.dev/messaging/sending-messages-using-incoming-webhooks."""
    if path != f"/services/{SLACK_PATH}":
        return 403, "invalid_token", None
    attachments = body.get("attachments") or []
    text = body.get("text") or (attachments and attachments[0].get("text"))
    if not text:
        return 400, "no_text", None
    title = attachments[0].get("title", "") if attachments else ""
    return 200, "ok", Received(SLACK, title, text, body)


_SERVICES = {WECOM: _wecom, DINGTALK: _dingtalk, FEISHU: _feishu, SLACK: _slack}
_LIMITED: dict[str, tuple[int, Any]] = {
    WECOM: (200, {"errcode": 45009, "errmsg": "api freq out of limit"}),
    DINGTALK: (200, {"errcode": 410100, "errmsg": "发送速度太快而限流"}),
    FEISHU: (200, {"code": 11232, "msg": "frequency limited"}),
    SLACK: (429, "rate_limited"),
}
_REFUSED: dict[str, tuple[int, Any]] = {
    WECOM: (200, {"errcode": 93000, "errmsg": f"invalid webhook url {WECOM_KEY}"}),
    DINGTALK: (200, {"errcode": 310000, "errmsg": "关键词不匹配"}),
    FEISHU: (200, {"code": 19024, "msg": "Key Words Not Found"}),
    SLACK: (404, "no_service"),
}


def _handler(servers: ChatServers) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            host = (self.headers["Host"] or "").split(":")[0]
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            servers.asked.append(host)
            behaviour = servers.behave.get(host, "ok")
            if behaviour == "hang":
                servers.stopping.wait(30)
                return
            if behaviour == "fail":
                self._answer(500, "Internal Server Error")
            elif behaviour == "limit":
                self._answer(*_LIMITED[host])
            elif behaviour == "refuse":
                self._answer(*_REFUSED[host])
            elif behaviour == "page":  # a captive portal, a company's proxy
                self._answer(200, "<html>please log in</html>")
            elif behaviour.startswith("block:") and behaviour[6:] in json.dumps(
                body, ensure_ascii=False
            ):
                self._answer(*_REFUSED[host])
            else:
                parts = urlsplit(self.path)
                query = {k: v[0] for k, v in parse_qs(parts.query, strict_parsing=False).items()}
                status, answer, message = _SERVICES[host](parts.path, query, body)
                if message is None:
                    servers.refused.append(f"{host}: {answer}")
                else:
                    servers.received.append(message)
                if behaviour == "swallow":
                    servers.stopping.wait(30)
                    return
                self._answer(status, answer)

        def _answer(self, status: int, answer: Any) -> None:
            text = answer if isinstance(answer, str) else json.dumps(answer)
            data = text.encode()
            self.send_response(status)
            kind = "text/html" if isinstance(answer, str) else "application/json"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Clients that hang up, or do not trust the certificate, are part of the tests."""


def _proxy(port: int) -> type[BaseHTTPRequestHandler]:
    """Answer CONNECT for the services' names with the local server; nothing leaves the machine."""

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_CONNECT(self) -> None:
            if self.path.rsplit(":", 1)[0] not in _SERVICES:
                self.send_error(403)
                return
            with socket.create_connection(("127.0.0.1", port)) as upstream:
                self.send_response(200, "Connection established")
                self.end_headers()
                pair = [self.connection, upstream]
                while True:
                    for ready in select.select(pair, [], [], 60)[0]:
                        data = ready.recv(65536)
                        if not data:
                            self.close_connection = True
                            return
                        pair[1 - pair.index(ready)].sendall(data)

        def log_message(self, *_: Any) -> None:
            pass

    return Proxy


class _Mailbox:
    def __init__(self, servers: ChatServers) -> None:
        self.servers = servers

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.servers.asked.append("smtp")
        behaviour = self.servers.behave.get("smtp", "ok")
        if behaviour == "fail":
            return "451 4.3.0 local error in processing"
        if behaviour == "limit":
            return "452 4.5.3 too many messages"
        if behaviour == "refuse":
            return "550 5.7.1 rejected by policy"
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        part = mail.get_body(("html", "plain"))
        text = part.get_content() if part else ""
        self.servers.received.append(Received("smtp", str(mail["Subject"]), text, mail))
        return "250 OK"


def _login(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    right = LoginPassword(MAIL_USER.encode(), MAIL_PASSWORD.encode())
    return AuthResult(success=session.ssl is not None and data == right, handled=False)


@contextlib.contextmanager
def chat_servers(folder: Path) -> Iterator[ChatServers]:
    """Run all servers; ``environment`` leads clients to them and ``urls`` are the addresses."""
    authority = trustme.CA()
    bundle = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*_SERVICES).configure_cert(context)
    mail_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(mail_context)

    servers = ChatServers({}, {})
    site = _Quiet(("127.0.0.1", 0), _handler(servers))
    site.socket = context.wrap_socket(site.socket, server_side=True, do_handshake_on_connect=False)
    proxy = _Quiet(("127.0.0.1", 0), _proxy(site.server_port))
    for server in (site, proxy):
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        mail_port = probe.getsockname()[1]
    mail = Controller(
        _Mailbox(servers),
        hostname="localhost",
        port=mail_port,
        tls_context=mail_context,
        require_starttls=True,
        authenticator=_login,
        auth_required=True,
        auth_require_tls=True,
    )
    mail.start()
    servers.environment = {
        "HTTPS_PROXY": f"http://127.0.0.1:{proxy.server_port}",
        "https_proxy": f"http://127.0.0.1:{proxy.server_port}",
        "NO_PROXY": "localhost",
        "no_proxy": "localhost",
        "REQUESTS_CA_BUNDLE": str(bundle),
        "SSL_CERT_FILE": str(bundle),
    }
    servers.urls = {
        WECOM: f"https://{WECOM}/cgi-bin/webhook/send?key={WECOM_KEY}",
        DINGTALK: f"dingtalk://{DINGTALK_SECRET}@{DINGTALK_TOKEN}/",
        FEISHU: f"https://{FEISHU}/open-apis/bot/v2/hook/{FEISHU_TOKEN}"
        f"?secret={FEISHU_SECRET.replace('+', '%2B').replace('/', '%2F').replace('=', '%3D')}",
        SLACK: f"https://{SLACK}/services/{SLACK_PATH}",
        "smtp": f"mailtos://{MAIL_USER}:{MAIL_PASSWORD}@localhost:{mail_port}"
        "?mode=starttls&from=alerts@eduplan.test&to=steward@eduplan.test",
    }
    try:
        yield servers
    finally:
        servers.stopping.set()
        mail.stop()
        for server in (proxy, site):
            server.shutdown()
            server.server_close()
