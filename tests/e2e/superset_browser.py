"""Headless Chromium for Superset: keeps what the console, the network and the page complain of."""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from websockets.sync.client import connect

from eduplan.postgres import free_port

CHROMIUM = os.environ.get("EDUPLAN_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
_READY = """(() => {
  const charts = [...document.querySelectorAll('[data-test-chart-id]')];
  const loading = document.querySelectorAll('[data-test="loading-indicator"], .loading').length;
  return {charts: charts.length, loading,
    drawn: document.querySelectorAll('.slice_container, [data-test="chart-container"]').length};
})()"""

_CHARTS = """Object.fromEntries([...document.querySelectorAll('[data-test-chart-id]')].map(e => [
  (e.querySelector('.header-title') || e).innerText.trim().split('\\n')[0],
  {text: e.innerText, rows: [...e.querySelectorAll('tbody tr')].map(
    r => [...r.querySelectorAll('td')].map(c => c.innerText.trim()))}]))"""
_ERRORS = """[...document.querySelectorAll(
  '.ant-alert-error, .ant-notification-notice-error, .toast--danger, .toast--warning,'
  + ' [data-test="toast-container"] [role="alert"], [data-test="error-boundary"]'
)].map(e => e.innerText)"""


def until(found: Callable[[], Any], what: str, seconds: float = 90) -> Any:
    """Wait until ``found`` returns something true; return it."""
    deadline = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.2)
    return result


class Browser:
    """One page, driven by Chromium's debugging protocol; ``complaints`` is what went wrong."""

    def __init__(self, profile: Path, width: int = 1280, height: int = 1000) -> None:
        port = free_port()
        assert CHROMIUM is not None
        self.process = subprocess.Popen(
            [
                CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--lang=zh-CN",
                "--disable-quic", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
                f"--remote-debugging-port={port}", f"--user-data-dir={profile}",
                f"--window-size={width},{height}", "about:blank",
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.number = 0
        self.requests: dict[str, str] = {}
        """Address of each request by its id."""
        self.blocked: list[str] = []
        self.complaints: list[str] = []

        def target() -> str | None:
            try:
                pages = httpx.get(f"http://127.0.0.1:{port}/json", trust_env=False).json()
            except httpx.TransportError:
                return None
            return next((p["webSocketDebuggerUrl"] for p in pages if p["type"] == "page"), None)

        self.open_things = contextlib.ExitStack()
        self.socket = self.open_things.enter_context(
            connect(until(target, "Chromium", 60), max_size=None, proxy=None)
        )
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv(timeout=60))
            if message.get("id") == self.number:
                assert "error" not in message, message["error"]
                result: dict[str, Any] = message["result"]
                return result
            self._hear(message.get("method"), message.get("params", {}))

    def _hear(self, event: str | None, params: dict[str, Any]) -> None:
        if event == "Network.requestWillBeSent":
            self.requests[params["requestId"]] = params["request"]["url"]
        elif event == "Network.responseReceived":
            answer = params["response"]
            if answer["status"] >= 400:
                self.complaints.append(f"{answer['status']} {answer['url']}")
        elif event == "Network.loadingFailed" and params.get("blockedReason") == "csp":
            # Our policy kept the page from asking: the request never left the browser.
            self.blocked.append(self.requests.pop(params["requestId"]))
        elif event == "Network.loadingFailed" and not params.get("canceled"):
            self.complaints.append(f"failed: {params['errorText']} {params['requestId']}")
        elif event == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            text = details.get("exception", {}).get("description") or details["text"]
            self.complaints.append(f"exception: {text[:300]}")
        elif event == "Runtime.consoleAPICalled" and params["type"] == "error":
            said = " ".join(str(a.get("value") or a.get("description")) for a in params["args"])
            self.complaints.append(f"console: {said[:300]}")
        elif event == "Log.entryAdded" and params["entry"]["level"] == "error":
            entry = params["entry"]
            if "violates the following Content Security Policy" in entry["text"]:
                return  # counted as blocked
            self.complaints.append(f"log: {entry['text'][:300]} {entry.get('url', '')}")

    def run(self, script: str) -> Any:
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def text(self) -> str:
        return str(self.run("document.body ? document.body.innerText : ''"))

    def log_in(self, url: str, user: str, password: str) -> None:
        self.call("Network.clearBrowserCookies")
        self.call("Page.navigate", url=f"{url}/login/")
        until(lambda: self.run("document.querySelectorAll('input[type=password]').length"), "login")
        for selector, value in (("#username", user), ("#password", password)):
            self.run(f"document.querySelector('{selector}').focus()")
            self.call("Input.insertText", text=value)
        self.run("document.querySelector('form button[type=submit]').click()")
        until(lambda: self.run("location.pathname.startsWith('/login')") is False, "after login")

    def open_dashboard(self, url: str, slug: str) -> None:
        """Open a dashboard and wait until each of its charts has been drawn."""
        self.call("Page.navigate", url=f"{url}/superset/dashboard/{slug}/")
        until(lambda: (self.run(_READY) or {}).get("charts"), f"charts of {slug}")
        calm = 0
        deadline = time.monotonic() + 90
        while calm < 4:
            state = self.run(_READY)
            calm = calm + 1 if not state["loading"] else 0
            assert time.monotonic() < deadline, f"{slug} does not come to rest: {state}"
            time.sleep(0.3)

    def charts(self) -> dict[str, dict[str, Any]]:
        """Return {title: {text, rows}} of the charts on the page; rows of tables as text."""
        found: dict[str, dict[str, Any]] = self.run(_CHARTS)
        return found

    def errors(self) -> list[str]:
        """Return what the page itself shows as an error: failed charts and messages."""
        shown: list[str] = self.run(_ERRORS)
        return shown

    def picture(self, path: Path, full: bool = True) -> None:
        if full:
            height = self.run(
                "Math.ceil(document.querySelector('[data-test=\"grid-content\"]')"
                ".getBoundingClientRect().bottom + window.scrollY)"
            )
            self.call(
                "Emulation.setDeviceMetricsOverride",
                width=1280,
                height=min(int(height) + 20, 6000),
                deviceScaleFactor=1,
                mobile=False,
            )
            time.sleep(1.5)
        data = self.call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))
        self.call("Emulation.clearDeviceMetricsOverride")

    def outside(self, url: str) -> list[str]:
        """Return the requests to any other host."""
        own = urlsplit(url).netloc
        return [
            r
            for r in self.requests.values()
            if urlsplit(r).scheme in ("http", "https", "ws", "wss") and urlsplit(r).netloc != own
        ]

    def close(self) -> None:
        self.open_things.close()
        self.process.terminate()
        self.process.wait(timeout=20)
