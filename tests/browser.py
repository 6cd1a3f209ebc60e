"""Headless Chromium for tests: one call, one fresh profile, nothing loaded from elsewhere."""

import os
import shutil
import subprocess
import tempfile

import pytest

CHROMIUM = os.environ.get("EDUPLAN_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


def chromium(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it with ``arguments``; skipped, visibly, where there is none."""
    if CHROMIUM is None:
        pytest.skip("no Chromium: install one or set EDUPLAN_CHROMIUM")
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        return subprocess.run(
            [
                CHROMIUM,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                f"--user-data-dir={profile}",
                *arguments,
            ],
            capture_output=True,
            text=True,
            timeout=240,
            check=True,
        )
