"""Headless Chromium for tests, run once for its output or driven by its debugging protocol.

A fresh profile each time, and nothing loaded from elsewhere.
"""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from websockets.sync.client import connect

from eduplan.browser import NAMES
from eduplan.postgres import free_port

CHROMIUM = os.environ.get("EDUPLAN_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
_REASON = "no Chromium: install one or set EDUPLAN_CHROMIUM"

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason=_REASON)


def require_chromium() -> str:
    """Return the path of the browser; skipped, visibly, where there is none."""
    if CHROMIUM is None:
        pytest.skip(_REASON)
    return CHROMIUM


def _command(profile: Path | str, *arguments: str) -> list[str]:
    return [
        require_chromium(),
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={profile}",
        *arguments,
    ]


def chromium(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it with ``arguments`` until it ends."""
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        return subprocess.run(
            _command(profile, *arguments), capture_output=True, text=True, timeout=240, check=True
        )


def until(found: Callable[[], Any], what: str, seconds: float = 120) -> Any:
    """Wait until ``found`` returns something true; return it."""
    deadline = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.5)
    return result


class Browser:
    """One page of Chromium; ``complaints`` are errors of its console and its scripts."""

    def __init__(self, profile: Path, lang: str = "en", height: int = 1400) -> None:
        port = free_port()
        self.number = 0
        self.complaints: list[str] = []
        with contextlib.ExitStack() as opened:
            process = subprocess.Popen(
                _command(
                    profile, f"--lang={lang}", f"--window-size=1280,{height}",
                    f"--remote-debugging-port={port}", "about:blank",
                ),
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            opened.callback(process.wait, timeout=20)
            opened.callback(process.terminate)

            def target() -> str | None:
                try:
                    pages = httpx.get(f"http://127.0.0.1:{port}/json", trust_env=False).json()
                except httpx.TransportError:
                    return None
                return next((p["webSocketDebuggerUrl"] for p in pages if p["type"] == "page"), None)

            self.socket = opened.enter_context(
                connect(until(target, "Chromium", 60), max_size=None, proxy=None)
            )
            for domain in ("Runtime", "Log", "Page", "Network"):
                self.call(f"{domain}.enable")
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call ``method`` of the protocol; what happened before its answer is heard first."""
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv(timeout=60))
            if message.get("id") == self.number:
                assert "error" not in message, message["error"]
                result: dict[str, Any] = message["result"]
                return result
            self.hear(message.get("method"), message.get("params", {}))

    def hear(self, event: str | None, params: dict[str, Any]) -> None:
        """Take note of an event that is a complaint."""
        if event == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            text = details.get("exception", {}).get("description") or details
            self.complaints.append(f"exception: {text}")
        elif event == "Log.entryAdded" and params["entry"]["level"] == "error":
            entry = params["entry"]
            self.complaints.append(f"log: {entry['text']} {entry.get('url', '')}")

    def open(self, url: str) -> None:
        self.call("Page.navigate", url=url)

    def run(self, script: str) -> Any:
        """Return the value of ``script``, of its promise if it is one; it must not throw."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def text(self) -> str:
        return str(self.run("document.body ? document.body.innerText : ''"))

    def framed(self) -> str:
        """Return what the page in the frame reads; empty while there is none."""
        return str(self.run(
            "(() => { const f = document.querySelector('iframe');"
            " return f && f.contentDocument && f.contentDocument.readyState === 'complete'"
            " && f.contentDocument.body ? f.contentDocument.body.innerText : '' })()"
        ))  # fmt: skip

    def write(self, element: str, text: str) -> None:
        """Put the cursor into ``element``, an expression of script, and write ``text``."""
        self.run(f"{element}.focus()")
        self.call("Input.insertText", text=text)

    def click(self, selector: str, label: str) -> bool:
        """Click the first enabled element of ``selector`` whose text starts with ``label``."""
        return bool(self.run(
            f"(() => {{ const e = [...document.querySelectorAll({json.dumps(selector)})]"
            f".find(e => e.innerText.trim().startsWith({json.dumps(label)}) && !e.disabled);"
            " if (e) e.click(); return !!e })()"
        ))  # fmt: skip

    def press(self, selector: str, label: str) -> bool:
        """Move the mouse to the first visible element that reads ``label`` and press it."""
        place = self.run(
            f"(() => {{ const e = [...document.querySelectorAll({json.dumps(selector)})]"
            f".find(e => e.innerText.trim() === {json.dumps(label)} && e.getClientRects().length);"
            " if (!e) return null; const r = e.getBoundingClientRect();"
            " return [r.x + r.width / 2, r.y + r.height / 2] })()"
        )
        if place is None:
            return False
        at = {"x": place[0], "y": place[1]}
        self.call("Input.dispatchMouseEvent", type="mouseMoved", **at)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **at)
        return True

    def picture(self, path: Path) -> None:
        data = self.call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))
