"""Prints a page with the Chromium or Chrome of this machine, where there is one."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from eduplan.errors import EduplanError

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
)
_SECONDS = 120


def find_browser() -> str:
    """Return the path of a browser: EDUPLAN_CHROMIUM, else the first one on the path.

    Raises ``EduplanError`` when there is none.
    """
    wanted = os.environ.get("EDUPLAN_CHROMIUM")
    for name in (wanted,) if wanted else NAMES:
        if found := shutil.which(name):
            return found
    raise EduplanError(
        f"no such browser: {wanted}" if wanted else "no Chromium or Chrome on this machine",
        hint="install chromium, or set EDUPLAN_CHROMIUM to a browser's path;"
        " or open the page in any browser and print it to PDF (A3, no margins added)",
    )


def print_pdf(page: Path, pdf: Path) -> Path:
    """Print the HTML file ``page`` into ``pdf`` in the paper size it asks for; return its path.

    Nothing is loaded from elsewhere. Raises ``EduplanError`` when there is no browser or it fails.
    """
    browser = find_browser()
    target = pdf.expanduser().resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="eduplan-print-") as scratch:
        fresh = Path(scratch) / "page.pdf"
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            f"--user-data-dir={scratch}/profile",
            "--no-pdf-header-footer",
            f"--print-to-pdf={fresh}",
            page.resolve().as_uri(),
        ]
        if os.geteuid() == 0:
            command.insert(1, "--no-sandbox")  # Chromium refuses root with its sandbox
        try:
            done = subprocess.run(  # noqa: S603 - our own arguments
                command, capture_output=True, text=True, timeout=_SECONDS, check=False
            )
            said = done.stderr.strip().splitlines()
        except (OSError, subprocess.TimeoutExpired) as error:
            said = [str(error)]
        if not fresh.is_file():
            raise EduplanError(
                f"{Path(browser).name} printed nothing: {said[-1] if said else 'no message'}",
                hint="set EDUPLAN_CHROMIUM to another browser, or print the page from one by hand",
            )
        temporary = target.with_name(target.name + ".tmp")
        shutil.copyfile(fresh, temporary)
        temporary.replace(target)
    return target
