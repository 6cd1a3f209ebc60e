"""Writes the site: built beside its place, then put there in one step."""

import os
import shutil
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from eduplan import warehouse
from eduplan.errors import EduplanError
from eduplan.postgres import ensure_database
from eduplan.quality.clock import fixed_day
from eduplan.report import read_scorecard
from eduplan.scorecard.html import CHINA_TIME, environment, render_html, stylesheet
from eduplan.settings import Settings
from eduplan.site.pages import LANGUAGES, STYLESHEET, first_page, pages_of
from eduplan.site.query import load_facts

GENERATOR = '<meta name="generator" content="eduplan site">'


@dataclass(frozen=True)
class Site:
    """What was written: the folder, its pages and its bytes."""

    path: Path
    pages: int
    size: int


def write_site(settings: Settings, out: Path | None = None) -> Site:
    """Write the site of the configured plan version to ``out`` (default ``<home>/site``).

    A former site there is replaced whole; a folder that holds anything else is left alone and an
    ``EduplanError`` says so. The same warehouse gives the same bytes: no page knows the clock.
    """
    target = (out or settings.site_dir).expanduser().resolve()
    _refuse_foreign(target)
    pages = render_site(settings)
    fresh = _beside(target, "new")
    for name, text in pages.items():
        path = fresh / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    old = _beside(target, "old")
    if target.exists():
        os.replace(target, old)
    os.replace(fresh, target)
    shutil.rmtree(old, ignore_errors=True)
    size = sum(len(text.encode()) for text in pages.values())
    return Site(target, sum(name.endswith(".html") for name in pages), size)


def render_site(settings: Settings) -> dict[str, str]:
    """Return every file of the site by its path in it."""
    css = (resources.files(__package__) / "templates" / "site.css").read_text("utf-8")
    files = {STYLESHEET: stylesheet() + css}
    with warehouse.connect(ensure_database(settings)) as conn:
        conn.read_only = True
        cards = {}
        for lang in LANGUAGES:
            cards[lang] = read_scorecard(conn, settings, lang)
        # Deadlines are counted to the day of the data.
        day = fixed_day(settings) or (
            moment.astimezone(CHINA_TIME).date() if (moment := cards["zh"].as_of) else None
        )
        if day is not None:
            conn.execute("select set_config('eduplan.today', %s, true)", (day.isoformat(),))
        facts = load_facts(conn, cards["zh"])
    for lang, card in cards.items():
        path, links = first_page(card)
        files[path] = render_html(card, settings.borders, links)
        template = environment(lang, "eduplan.site").get_template("page.html.j2")
        for page in pages_of(card, facts):
            files[page.path] = template.render(page.context)
    return files


def _refuse_foreign(target: Path) -> None:
    if not target.exists():
        return
    index = target / "index.html"
    ours = index.is_file() and GENERATOR in index.read_text("utf-8", errors="replace")[:2000]
    if not target.is_dir() or (any(target.iterdir()) and not ours):
        raise EduplanError(
            f"{target} holds something that is no site of eduplan",
            hint="give an empty or a new folder with --out",
        )


def _beside(target: Path, what: str) -> Path:
    """An empty place next to the target, on the same file system; leftovers there are removed."""
    place = target.with_name(f".{target.name}.{what}")
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    return place
