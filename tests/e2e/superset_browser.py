"""The tests' browser for Superset: hears the network too, waits for charts, reads them."""

import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.browser import Browser, until

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
_REFUSED = "violates the following Content Security Policy"


class SupersetBrowser(Browser):
    """``complaints`` are failed requests and errors that pages log, too."""

    def __init__(self, profile: Path) -> None:
        self.requests: dict[str, str] = {}
        """Address of each request by its id."""
        self.blocked: list[str] = []
        super().__init__(profile, lang="zh-CN", height=1000)

    def hear(self, event: str | None, params: dict[str, Any]) -> None:
        """Take note of requests, of those our policy blocked, and of complaints."""
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
        elif event == "Runtime.consoleAPICalled" and params["type"] == "error":
            said = " ".join(str(a.get("value") or a.get("description")) for a in params["args"])
            self.complaints.append(f"console: {said}")
        elif event == "Log.entryAdded" and _REFUSED in params["entry"]["text"]:
            return  # counted as blocked
        else:
            super().hear(event, params)

    def log_in(self, url: str, user: str, password: str) -> None:
        self.call("Network.clearBrowserCookies")
        self.open(f"{url}/login/")
        until(
            lambda: self.run("document.querySelectorAll('input[type=password]').length"),
            "login", 90,
        )  # fmt: skip
        for selector, value in (("#username", user), ("#password", password)):
            self.write(f"document.querySelector('{selector}')", value)
        self.run("document.querySelector('form button[type=submit]').click()")
        until(
            lambda: self.run("location.pathname.startsWith('/login')") is False, "after login", 90
        )

    def open_dashboard(self, url: str, slug: str) -> None:
        """Open a dashboard and wait until each of its charts has been drawn."""
        self.open(f"{url}/superset/dashboard/{slug}/")
        until(lambda: (self.run(_READY) or {}).get("charts"), f"charts of {slug}", 90)
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
        """Take a picture of the dashboard down to its end, or of the window alone."""
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
        super().picture(path)
        self.call("Emulation.clearDeviceMetricsOverride")

    def outside(self, url: str) -> list[str]:
        """Return the requests to any other host."""
        own = urlsplit(url).netloc
        return [
            r
            for r in self.requests.values()
            if urlsplit(r).scheme in ("http", "https", "ws", "wss") and urlsplit(r).netloc != own
        ]
