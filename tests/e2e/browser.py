"""Headless Chromium, driven by its debugging protocol, for tests of what a person sees."""

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

import httpx
from websockets.sync.client import connect

from eduplan.postgres import free_port

CHROMIUM = os.environ.get("EDUPLAN_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
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

    def __init__(self, profile: Path) -> None:
        port = free_port()
        assert CHROMIUM is not None
        self.process = subprocess.Popen(
            [
                CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--lang=en",
                f"--remote-debugging-port={port}", f"--user-data-dir={profile}",
                "--disable-quic", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync",
                "--window-size=1280,1400", "about:blank",
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.number = 0
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
        for domain in ("Runtime", "Log", "Page", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": params}))
        while True:
            answer = json.loads(self.socket.recv(timeout=60))
            if answer.get("id") == self.number:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result
            self._listen(answer)

    def _listen(self, event: dict[str, Any]) -> None:
        if event.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(str(event["params"]["exceptionDetails"]))
        elif event.get("method") == "Log.entryAdded":
            entry = event["params"]["entry"]
            if entry["level"] == "error":
                self.complaints.append(f"{entry.get('url', '')}: {entry['text']}")

    def run(self, script: str) -> Any:
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True)["result"]
        return result.get("value")

    def open(self, url: str, token: str) -> None:
        self.call("Network.setCookie", name="_token", value=token, url=url)
        self.call("Page.navigate", url=url)

    def text(self) -> str:
        return str(self.run("document.body ? document.body.innerText : ''"))

    def click(self, selector: str, label: str) -> bool:
        """Click the first visible element of ``selector`` that reads ``label``."""
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

    def framed(self) -> str:
        """Return what the page in the frame reads; empty while there is none."""
        return str(self.run(
            "(() => { const f = document.querySelector('iframe');"
            " return f && f.contentDocument && f.contentDocument.readyState === 'complete'"
            " && f.contentDocument.body ? f.contentDocument.body.innerText : '' })()"
        ))  # fmt: skip

    def picture(self, path: Path) -> None:
        data = self.call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))

    def close(self) -> None:
        self.open_things.close()
        self.process.terminate()
        self.process.wait(timeout=20)
